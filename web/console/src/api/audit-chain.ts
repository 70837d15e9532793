// The hash chain of the audit log (daemon/crypto/audit_chain.hpp), computed in the browser: SHA-256 over "GIMS audit entry 1\n", the
// hash before (32 zero bytes before the first), sequence, ts, and actor, origin, act, target, detail, each as length and bytes; numbers
// are of 8 bytes, the most significant first. detail is canonical JSON.
import type { Schemas } from "./client";

const domain = "GIMS audit entry 1\n";
const utf8 = new TextEncoder();

// Members in the order of their code points, no blanks, as Matrix's canonical JSON.
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const points = (text: string) => Array.from(text, (letter) => letter.codePointAt(0)!);
    const sorted = Object.entries(value).sort(([one], [other]) => {
      const [a, b] = [points(one), points(other)];
      for (let at = 0; at < Math.min(a.length, b.length); at += 1) if (a[at] !== b[at]) return a[at]! - b[at]!;
      return a.length - b.length;
    });
    return `{${sorted.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

function number(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

export async function entryHash(before: Uint8Array, entry: Schemas["AuditEntry"]): Promise<Uint8Array> {
  const parts = [utf8.encode(domain), before, number(entry.sequence), number(entry.ts)];
  for (const text of [entry.actor, entry.origin, entry.act, entry.target, canonical(entry.detail)]) {
    const bytes = utf8.encode(text);
    parts.push(number(bytes.length), bytes);
  }
  const message = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", message));
}

export const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export interface Chain {
  before: Uint8Array;
  next: number;
}
export const start = (): Chain => ({ before: new Uint8Array(32), next: 1 });

// Goes on over more entries; the number of the first that does not fit, or undefined.
export async function follow(chain: Chain, entries: readonly Schemas["AuditEntry"][]): Promise<number | undefined> {
  for (const entry of entries) {
    if (entry.sequence !== chain.next) return chain.next;
    const hash = await entryHash(chain.before, entry);
    if (hex(hash) !== entry.hash) return entry.sequence;
    chain.before = hash;
    chain.next += 1;
  }
  return undefined;
}
