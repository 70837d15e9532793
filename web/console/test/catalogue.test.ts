// The languages: no key is missing or left over, placeholders are the same, and no words stand in the code.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { errcodes } from "../src/generated/contract";

const locales = "src/i18n/locales";
const read = (name: string) => JSON.parse(readFileSync(join(locales, name), "utf8")) as Record<string, string>;
const names = readdirSync(locales).filter((name) => name.endsWith(".json"));
const english = read("en.json");

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !name.includes("generated"))
  .map((name) => [name, readFileSync(join("src", name), "utf8")] as const);
const code = sources.map(([, text]) => text).join("\n");

interface Schema { enum?: string[]; properties?: Record<string, Schema>; items?: Schema; $ref?: string }
const schemas = (load(readFileSync("../../docs/admin-api.yaml", "utf8")) as { components: { schemas: Record<string, Schema> } }).components.schemas;
function values(schema: string, ...members: string[]): string[] {
  let node: Schema = schemas[schema]!;
  for (const member of members) {
    if (node.$ref) node = schemas[node.$ref.split("/").at(-1)!]!;
    node = member === "[]" ? node.items! : node.properties![member]!;
  }
  if (node.$ref) node = schemas[node.$ref.split("/").at(-1)!]!;
  return node.enum!;
}
const texts = (pattern: RegExp, text = code) => [...text.matchAll(pattern)].map((match) => match[1]!);

// Keys that are put together: the family, and what can stand behind the dot.
const families: Record<string, readonly string[]> = {
  alarm: values("Alarm", "kind"), backup_where: values("Backup", "where"), ceremony_kind: values("CeremonyKind"), colour: values("Label", "colour"),
  chart: ["messages_per_second", "send_p50_ms", "connections", "cpu_percent", "disk_percent", "temperature_celsius"],
  console_state: values("Administrator", "console"), custody_kind: values("Custody", "kind"), device_state: values("DeviceState"), error: ["NETWORK", ...errcodes],
  factor: values("SigninChallenge", "factors", "[]"), figure: values("Figure"), job: [...values("Job", "kind"), "by"], job_state: values("Job", "state"),
  key_error: ["unsupported", "address", "cancelled"], key_kind: values("Administrator", "key"), look: ["system", "light", "dark"], membership: values("RoomMember", "membership"),
  nav: ["overview", ...texts(/path: "(\w+)"/g)], nav_group: texts(/group: "(\w+)"/g), network: values("SetupPort", "network"), pcr: values("Pcr", "meaning"),
  person_kind: ["passphrase", "security_key"], proposal: values("ProposalAction"), proposal_state: values("Proposal", "state"), range: ["15m", "3h", "24h", "7d"],
  release: values("Release", "standing"), report_about: values("ReportSummary", "about"), report_state: values("ReportSummary", "state"), role: values("Role"), role_what: values("Role"),
  row_error: values("ImportError", "errcode"), service_state: ["running", "waiting", "failed", "stopped"],
  setting: ["retention_days", "slip_hours", "device_inactive_days", "session_idle_minutes", "session_hours", "fresh_minutes"], setting_hint: ["retention_days", "slip_hours", "device_inactive_days"],
  setup_step: [...values("SetupStep"), "review"], setup_what: values("SetupStep"), severity: values("Alarm", "severity"), signature: values("Candidate", "signature"), site_state: values("Site", "state"),
  slip_state: ["none", ...values("SlipSummary", "state")], unit_kind: values("Unit", "kind"), update_source: values("Candidate", "source"), user_state: values("UserState"),
};

const together = new Set(texts(/\bt\(`([a-z_]+)\.\$/g));
const written = new Set(texts(/"([a-z_]+\.[a-z0-9_]+)"/g).filter((key) => !key.startsWith("gims.")));
const wanted = new Set([...written, ...Object.entries(families).flatMap(([family, ends]) => ends.map((end) => `${family}.${end}`))]);

export function placeholders(text: string): string[] {
  return texts(/{{(\w+)}}/g, text).sort();
}

describe("the catalogue", () => {
  it("has the families that the code puts together, and no others", () => {
    expect([...together].sort()).toEqual(Object.keys(families).sort());
  });
  it("has every key that the code uses, and none that it does not", () => {
    const keys = new Set(Object.keys(english));
    expect([...wanted].filter((key) => !keys.has(key))).toEqual([]);
    expect([...keys].filter((key) => !wanted.has(key))).toEqual([]);
  });
  it("is there in English and Hindi", () => {
    expect(names).toEqual(expect.arrayContaining(["en.json", "hi.json"]));
  });
  for (const name of names) {
    it(`${name} has every key, with the same placeholders, and nothing empty`, () => {
      const theirs = read(name);
      expect(Object.keys(theirs).sort()).toEqual(Object.keys(english).sort());
      for (const [key, text] of Object.entries(theirs)) {
        expect([key, placeholders(text)]).toEqual([key, placeholders(english[key]!)]);
        expect(text.trim(), key).not.toBe("");
      }
    });
  }
  it("differs from English where it is another language", () => {
    for (const name of names.filter((one) => one !== "en.json")) {
      const theirs = read(name);
      const same = Object.keys(english).filter((key) => theirs[key] === english[key] && /[a-z]{4}/.test(english[key]!.replace(/{{\w+}}/g, "")));
      expect([name, same]).toEqual([name, []]);
    }
  });
});

// Words between tags, and in attributes that people read.
export function words(source: string): string[] {
  const found = [
    ...[...source.matchAll(/>([^<>{}=;()]*[A-Za-z]{2,}[^<>{}=;()]*)<\//g)].map((match) => match[1]!.trim()),
    ...[...source.matchAll(/\b(?:title|label|aria-label|about|hint|action|placeholder|alt)="([^"]*[A-Za-z]{2,}[^"]*)"/g)].map((match) => match[1]!),
  ];
  // Names that are the same in each language.
  return found.filter((text) => !["GIMS", "PCR", "localpart,display_name,unit,designation,employee_id,phone"].includes(text));
}

describe("the code", () => {
  it("has no words of its own", () => {
    expect(sources.filter(([name]) => name.endsWith(".tsx")).flatMap(([name, text]) => words(text).map((word) => `${name}: ${word}`))).toEqual([]);
  });
  it("would be found to have some", () => {
    expect(words('<p className="x">Hello there</p>')).toEqual(["Hello there"]);
    expect(words('<Dialog title="Remove it">')).toEqual(["Remove it"]);
    expect(words('<p>{t("act.save")}</p>')).toEqual([]);
  });
});
