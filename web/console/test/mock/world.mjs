// A site that is not there: figures, officers, devices, the same at every run.
const start = Date.UTC(2026, 10, 28, 6, 0);
const hour = 3_600_000;
const day = 24 * hour;
const server = "gims.internal";
const of = (list, at) => list[at % list.length];
const hash = (at) => Array.from({ length: 64 }, (_, digit) => ((at * 7 + digit * 11 + (at ^ digit)) % 16).toString(16)).join("");
const id = (at, letters = 22) => Array.from({ length: letters }, (_, place) => "abcdefghijklmnopqrstuvwxyz0123456789"[(at * 31 + place * 17) % 36]).join("");

const clients = ["Element X/26.11.1 (Android 16)", "Element X/26.11.0 (iOS 19.2)", "Element Desktop/1.12.4 (Windows)", "Element Web/1.12.4 (Firefox 145)"];
const models = ["Android phone", "iPhone", "Laptop", "Tablet"];

export function makeWorld({ officers = 10_000, devices = 50_000, now = start } = {}) {
  const units = [
    { unit_id: "mow", kind: "ministry", name: "Ministry of Works", name_hi: "निर्माण मंत्रालय", officers: 12 },
    ...["Roads", "Buildings", "Water", "Establishment", "Finance"].flatMap((name, at) => [
      { unit_id: `d${at}`, parent_id: "mow", kind: "department", name: `Department of ${name}`, name_hi: of(["सड़क विभाग", "भवन विभाग", "जल विभाग", "स्थापना विभाग", "वित्त विभाग"], at), officers: 30 + at },
      { unit_id: `d${at}-s1`, parent_id: `d${at}`, kind: "section", name: `${name} Section I`, name_hi: `अनुभाग ${at + 1}`, officers: at },
    ]),
  ];
  const designations = [["Secretary", "सचिव"], ["Joint Secretary", "संयुक्त सचिव"], ["Director", "निदेशक"], ["Under Secretary", "अवर सचिव"], ["Section Officer", "अनुभाग अधिकारी"], ["Desk Officer", "डेस्क अधिकारी"]]
    .map(([name, name_hi], at) => ({ designation_id: `g${at}`, name, name_hi, rank: at, officers: at === 5 ? 0 : 20 + at }));
  const labels = [["open", "Open", "सामान्य", "grey"], ["restricted", "Restricted", "प्रतिबंधित", "blue"], ["confidential", "Confidential", "गोपनीय", "amber"], ["secret", "Secret", "गुप्त", "red"]]
    .map(([label, name, name_hi, colour], level) => ({ label, name, name_hi, level, colour }));
  const users = Array.from({ length: officers }, (_, at) => ({
    user_id: `@officer.${String(at + 1).padStart(5, "0")}:${server}`,
    display_name: `${of(designations, at % 6).name} ${at + 1}`,
    state: at % 97 === 3 ? "locked" : at % 89 === 5 ? "suspended" : at % 211 === 7 ? "deactivated" : "active",
    created_ts: start - 200 * day + at * 1000,
    devices: at % 6,
    ...(at % 6 ? { last_seen_ts: now - (at % 400) * hour } : {}),
    unit_id: of(units, at).unit_id,
    designation_id: of(designations, at % 6).designation_id,
    clearance: of(labels, at).label,
    slip: at % 6 ? "used" : at % 12 ? "outstanding" : "none",
    devices_pending: at % 50 === 1 ? 1 : 0,
  }));
  const somebody = (at) => users[at % Math.max(users.length, 1)] ?? { user_id: `@nobody:${server}`, display_name: "Nobody", unit_id: "mow" };
  const states = ["approved", "approved", "approved", "approved", "pending", "locked", "revoked", "approved", "wiping", "wiped"];
  const device = (at) => ({
    device_id: id(at, 10).toUpperCase(), created_ts: start - 100 * day + at, display_name: of(models, at), last_seen_ts: now - at * 60_000,
    last_seen_ip: `10.73.${2 + (at % 2)}.${1 + (at % 250)}`, last_seen_agent: of(clients, at), state: of(states, at), certificate_expires_ts: now + 200 * day, verified: at % 7 !== 0,
  });
  const siteDevices = Array.from({ length: devices }, (_, at) => {
    const user = somebody(at * 7);
    return { user_id: user.user_id, display_name: user.display_name, unit_id: user.unit_id, device: device(at) };
  });
  const rooms = Array.from({ length: 240 }, (_, at) => ({
    room_id: `!${id(at + 5, 43)}`, ...(at % 5 === 4 ? {} : { name: of(["Flood control room", "Budget 2027", "Establishment", "Parliament questions", "Tenders"], at) + (at > 4 ? ` ${at}` : "") }), members: 2 + (at % 60), encrypted: true,
    direct: at % 5 === 4, topic: "Circulars and their answers", label: of(labels, at).label, created_ts: start - 90 * day, creator: somebody(at).user_id, last_event_ts: now - at * hour, events: at * 17,
    ...(at % 4 === 1 ? { retention_days: 90 } : {}), ...(at % 31 === 30 ? { shut_down_ts: now - day } : {}),
  }));
  const proposal = (proposal_id, request, text, more) => ({
    proposal_id, action: request.action, request, text, proposed_by: "security", proposed_ts: now - 120_000, expires_ts: now + 480_000, state: "waiting", approved_by: ["security"], needed: 2, challenge: Buffer.alloc(32, proposal_id).toString("base64url"), redeemable: false, ...more,
  });
  return {
    now, units, designations, labels, users, siteDevices, device, rooms, server, somebody,
    proposals: [
      proposal(41, { action: "identity_reset", user_id: somebody(0).user_id }, `let ${somebody(0).user_id} replace its encrypted identity`),
      proposal(42, { action: "backup_export", to: "file" }, "write a backup of this site to a file", { state: "approved", approved_by: ["administrator", "security"], redeemable: true }),
      proposal(39, { action: "zeroize", files_only: false }, "destroy all keys of this site for good", { state: "withdrawn", approved_by: [], expires_ts: now - day }),
    ],
    administrators: [
      { name: "administrator", roles: ["administrator"], key: "webauthn_es256", fingerprint: hash(3).slice(0, 16), approves: true, console: "active", factors: ["webauthn", "totp"], sessions: 1, last_signin_ts: now - hour, credential_id: id(1, 43) },
      { name: "security", roles: ["security_officer"], key: "webauthn_eddsa", fingerprint: hash(5).slice(0, 16), approves: true, console: "active", factors: ["webauthn"], sessions: 0, last_signin_ts: now - day, credential_id: id(2, 43) },
      { name: "auditor", roles: ["auditor"], key: "key_ed25519", fingerprint: hash(9).slice(0, 16), approves: false, console: "invited", factors: [], sessions: 0 },
    ],
    alarms: [
      { alarm_id: "backup.old", kind: "backup", severity: "warning", since_ts: now - 2 * day, text: "The last backup was made 9 days ago." },
      { alarm_id: "clock.drift", kind: "clock", severity: "notice", since_ts: now - hour, text: "The clock is 1.2 s off its reference.", acknowledged_by: "administrator", acknowledged_ts: now - hour / 2 },
    ],
    slips: Array.from({ length: 130 }, (_, at) => ({ slip_id: `slip-${at + 1}`, user_id: somebody(at).user_id, display_name: somebody(at).display_name, state: of(["outstanding", "used", "expired", "revoked"], at), made_by: "administrator", made_ts: now - at * hour, expires_ts: now + (72 - at) * hour })),
    reports: Array.from({ length: 9 }, (_, at) => ({ report_id: 100 - at, ts: now - at * 5 * hour, reporter: somebody(at + 3).user_id, state: at < 4 ? "open" : "closed", about: of(["event", "user", "room"], at), room_id: rooms[at].room_id, room_name: rooms[at].name ?? "Direct", user_id: somebody(at + 20).user_id, reason: "Writes to all members at night.", ...(at < 4 ? {} : { closed_by: "security", closed_ts: now - at * hour, note: "Spoken with the officer." }) })),
    sessions: ["administrator", "security"].map((name, at) => ({ session_id: id(at + 9, 22), name, origin: `10.73.0.${20 + at}`, agent: "Firefox 145 (Windows)", factor: "webauthn", signed_in_ts: now - 2 * hour, last_seen_ts: now - 60_000 * at, expires_ts: now + 6 * hour, current: at === 0 })),
    custody: {
      state: "operational", kind: "tpm", reason: "", attended: false, persons: [], release: { running: 14, newest: 14 }, counter: 2117, tpm: { manufacturer: "IFX", model: "SLB9672", firmware: "16.12" }, last_quote_ts: now - day,
      pcrs: [["release", 11], ["secure_boot", 7], ["volumes", 15], ["firmware", 0]].map(([meaning, index]) => ({ index, value: hash(index), matches: index !== 0, meaning, ...(index ? {} : { expected: hash(1) }) })),
      site_root: cert("site root", 0, 20 * 365), issuing_ca: cert("issuing CA", 1, 60), leaf: cert(server, 2, 1),
      recovery: { threshold: 3, shares: 5, generation: 2, shared_ts: start - 30 * day, recovery_file_ts: start - 29 * day }, mark_store_ts: now,
    },
    backups: [
      { backup_id: "gims-2026-11-19T0210", where: "unit", size: 2_412_000_000, made_ts: now - 9 * day, generation: 2, version: "0.1.0", verified_ts: now - 9 * day, tested_ts: now - 8 * day, sha256: hash(77), made_by: ["administrator", "security"] },
      { backup_id: "gims-2026-10-02T0200", where: "usb", size: 1_990_000_000, made_ts: now - 57 * day, generation: 1, version: "0.1.0" },
    ],
    updates: {
      releases: [{ version: "2026.11", number: 14, slot: "a", standing: "good", running: true, built_ts: now - 20 * day }, { version: "2026.10", number: 13, slot: "b", standing: "clean", running: false, built_ts: now - 50 * day }],
      candidates: [
        { candidate_id: "c1", source: "usb", version: "2026.12", number: 15, signature: "good", whole: true, newer: true, installable: true, text: "", signed_by: "update key 9f31 2c44", size: 338_000_000, notes: "Kernel 6.12.58; calls through the relay." },
        { candidate_id: "c2", source: "upload", version: "2026.09", number: 12, signature: "unknown_key", whole: true, newer: false, installable: false, text: "The list of files is signed by a key that this unit does not know.", size: 331_000_000 },
      ],
    },
    settings: { language: "hi", time_zone: "Asia/Kolkata", retention_days: null, slip_hours: 72, session_idle_minutes: 15, session_hours: 8, fresh_minutes: 5, device_approval: true, device_inactive_days: 180, metrics: false, banner: "" },
    jobs: [{ job_id: "j7", kind: "backup_verify", state: "running", step: "Reading media", done: 420, of: 1000, started_by: "administrator", started_ts: now - 240_000 }],
    setup: {
      state: "empty", steps: ["clock", "site", "network", "wifi", "custody", "administrators", "sharing"].map((step) => ({ step, done: false })), draft: {},
      facts: { now_ts: now, ports: [0, 1, 2].map((at) => ({ mac: `52:54:00:12:34:5${at}`, name: `eth${at}`, link: at < 2, speed_mbit: 1000 })), tpm: true, hsm: false, radio: true, version: "0.1.0", hsm_labels: [], release_ts: now - 20 * day },
    },
  };
  function cert(subject, at, days) {
    return { subject: `CN=${subject}`, sha256: hash(at + 40), not_before_ts: now - 30 * day, not_after_ts: now + days * day };
  }
}

export function series(range, since, now) {
  const [step, count] = { "15m": [5_000, 180], "3h": [60_000, 180], "24h": [300_000, 288], "7d": [3_600_000, 168] }[range];
  const last = Math.floor(now / step);
  const ts = Array.from({ length: count }, (_, at) => (last - count + 1 + at) * step).filter((at) => at > (since ?? 0));
  const wave = (middle, swing, period) => ts.map((at) => Math.max(0, Math.round((middle + swing * Math.sin(at / step / period) + (swing / 4) * Math.sin(at / step)) * 10) / 10));
  return {
    from_ts: ts[0] ?? now, step_ms: step, ts,
    figures: { messages_per_second: wave(38, 22, 25), send_p50_ms: wave(6, 2, 12), send_p99_ms: wave(21, 9, 9), connections: wave(4200, 900, 40), sync_waiters: wave(3900, 800, 40), cpu_percent: wave(31, 12, 20), memory_percent: wave(48, 3, 50), disk_percent: wave(37, 1, 80), temperature_celsius: wave(52, 3, 30) },
  };
}
