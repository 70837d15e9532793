// What decides, without a page.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { canonical, entryHash, follow, hex, start } from "../src/api/audit-chain";
import { formats } from "../src/i18n/format";
import { wordsOf } from "../src/pages/ceremony";
import { joined } from "../src/pages/overview";
import { wifiCode } from "../src/pages/slip-sheet";
import { mayCall } from "../src/session/session";
import { Mock } from "./mock/server.mjs";

describe("the audit log's chain", () => {
  const entry = { sequence: 1, ts: 1_700_000_000_000, actor: "gimsctl uid 0", origin: "admin socket", act: "user.add", target: "@desk.officer:gims.internal", detail: {}, hash: "" };
  it("is SHA-256 over the fields, each with its length", async () => {
    const eight = (value: number) => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64BE(BigInt(value)); return bytes; };
    const part = (text: string) => Buffer.concat([eight(Buffer.byteLength(text)), Buffer.from(text)]);
    const message = Buffer.concat([Buffer.from("GIMS audit entry 1\n"), Buffer.alloc(32), eight(1), eight(entry.ts), part(entry.actor), part(entry.origin), part(entry.act), part(entry.target), part("{}")]);
    expect(hex(await entryHash(new Uint8Array(32), entry))).toBe(createHash("sha256").update(message).digest("hex"));
  });
  it("holds over a log, and not over one in which something was changed, removed or added", async () => {
    const log = new Mock({ officers: 5, devices: 5, entries: 30 }).audit;
    expect(await follow(start(), log)).toBeUndefined();
    expect(await follow(start(), log.map((one, at) => (at === 11 ? { ...one, target: "somebody else" } : one)))).toBe(12);
    expect(await follow(start(), log.filter((_, at) => at !== 4))).toBe(5);
    expect(await follow(start(), [...log, { ...log[29], sequence: 31 }])).toBe(31);
  });
  it("takes details as canonical JSON", () => {
    expect(canonical({ b: [1, { d: null, c: "é\"" }], a: true })).toBe('{"a":true,"b":[1,{"c":"é\\"","d":null}]}');
    expect(canonical({ "\u{10000}": 1, "\uffff": 2 })).toBe('{"\uffff":2,"\u{10000}":1}');
  });
});

describe("formats", () => {
  it("group digits as India does, and name the zone", () => {
    expect(formats("en", "Asia/Kolkata").number(1234567)).toBe("12,34,567");
    expect(formats("hi", "Asia/Kolkata").number(1234567)).toBe("12,34,567");
    expect(formats("ur", "Asia/Kolkata").number(1234567)).toMatch(/12.?34.?567|1.?234.?567/);
    expect(formats("en", "Asia/Kolkata").exact(Date.UTC(2026, 10, 28, 4, 45))).toMatch(/IST|GMT\+5:30/);
    expect(formats("en", "Asia/Kolkata").clock(Date.UTC(2026, 10, 28, 4, 45))).toContain("10:15");
  });
  it("write sizes and times past", () => {
    expect(formats("en", "UTC").bytes(2_412_000_000)).toBe("2.4 GB");
    expect(formats("en", "UTC").ago(0, 9 * 86_400_000)).toBe("9 days ago");
  });
});

describe("roles", () => {
  it("are those of the contract", () => {
    expect(mayCall(["administrator"], "lockUser")).toBe(true);
    expect(mayCall(["auditor"], "lockUser")).toBe(false);
    expect(mayCall(["auditor"], "listUsers")).toBe(true);
    expect(mayCall(["security_officer"], "beginCeremony")).toBe(true);
    expect(mayCall(["administrator"], "beginCeremony")).toBe(false);
    expect(mayCall([], "listUsers")).toBe(false);
  });
});

describe("small things", () => {
  it("escapes what a Wi-Fi code sets apart", () => {
    expect(wifiCode('a;b"c', "p:w\\d,")).toBe('WIFI:T:SAE;S:a\\;b\\"c;P:p\\:w\\\\d\\,;;');
  });
  it("takes a share's words in any dress", () => {
    expect(wordsOf(" 1. Academic\n2) acid,  ACNE ")).toEqual(["academic", "acid", "acne"]);
  });
  it("joins new figures to old ones without a gap or a double", () => {
    const old = { from_ts: 1, step_ms: 5, ts: [1, 2, 3], figures: { connections: [10, 20, 30] } };
    expect(joined(old, { from_ts: 3, step_ms: 5, ts: [3, 4], figures: { connections: [30, 40] } })).toEqual({ from_ts: 3, step_ms: 5, ts: [2, 3, 4], figures: { connections: [20, 30, 40] } });
    expect(joined(old, { from_ts: 0, step_ms: 5, ts: [], figures: {} }).ts).toEqual([1, 2, 3]);
    expect(joined(old, { from_ts: 9, step_ms: 60, ts: [9], figures: { connections: [1] } }).ts).toEqual([9]);
  });
});
