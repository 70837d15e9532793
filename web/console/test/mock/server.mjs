// Answers the console as gimsd is to answer it: what a request may be, and how the answer looks, is checked against the contract.
// `node test/mock/server.mjs` listens on 127.0.0.1:5180 for the development server.
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { answerSchema, api, base, bodySchema, fault, match, Refused } from "./contract.mjs";
import { makeWorld, series } from "./world.mjs";

const token = (bytes = 32) => randomBytes(bytes).toString("base64url");
const chain = (before, entry) => {
  const number = (value) => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64BE(BigInt(value)); return bytes; };
  const texts = [entry.actor, entry.origin, entry.act, entry.target, JSON.stringify(entry.detail)].flatMap((text) => [number(Buffer.byteLength(text)), Buffer.from(text)]);
  return createHash("sha256").update(Buffer.concat([Buffer.from("GIMS audit entry 1\n"), before, number(entry.sequence), number(entry.ts), ...texts])).digest();
};

function auditLog(world, count) {
  let before = Buffer.alloc(32);
  return Array.from({ length: count }, (_, at) => {
    const user = world.somebody(at).user_id;
    const [act, target, detail] = [
      ["user.state", user, { after: { state: "locked" }, before: { state: "active" } }], ["signin.done", "administrator", { factor: "webauthn" }],
      ["device.revoke", `${user} ABCDEFGHIJ`, {}], ["approval.given", "41", { action: "identity_reset" }], ["settings.changed", "site", { after: { slip_hours: 72 }, before: { slip_hours: 48 } }],
    ][at % 5];
    const entry = { sequence: at + 1, ts: world.now - (count - at) * 60_000, actor: at % 3 ? "administrator" : "gimsctl uid 0", origin: at % 3 ? "10.73.0.20" : "admin socket", act, target, detail };
    before = chain(before, entry);
    return { ...entry, hash: before.toString("hex") };
  });
}

const slice = (rows, query, name, key = (row) => row.user_id) => {
  const limit = Number(query.get("limit") ?? 100);
  const from = query.get("after") ? rows.findIndex((row) => key(row) === query.get("after")) + 1 : 0;
  const page = rows.slice(from, from + limit);
  return { [name]: page, total: rows.length, ...(from + limit < rows.length ? { next: key(page.at(-1)) } : {}) };
};
const has = (text, part) => (text ?? "").toLowerCase().includes((part ?? "").toLowerCase());

// roles: of whoever signs in; unprovisioned: a unit that is to be set up; stale: each act wants re-authentication first.
export class Mock {
  constructor({ officers, devices, entries = 620, unprovisioned = false, stale = false, now } = {}) {
    this.world = makeWorld({ officers, devices, ...(now ? { now } : {}) });
    this.audit = auditLog(this.world, entries);
    this.sessions = new Map();
    this.unprovisioned = unprovisioned;
    this.stale = stale;
    this.signing = new Map();
    this.language = "en";
    this.fail = undefined; // (operationId) => errcode: what is to be refused
    this.calls = [];
  }

  openSession(name, setup = false) {
    const roles = setup ? [] : { administrator: ["administrator"], security: ["security_officer"], auditor: ["auditor"] }[name] ?? [];
    const { now } = this.world;
    const session = { session_id: token(16), name, roles, csrf: token(), signed_in_ts: now, idle_expires_ts: now + 900_000, expires_ts: now + 28_800_000, fresh_ts: this.stale ? 0 : Date.now(), language: this.language, factors: ["webauthn", "totp"], setup };
    const cookie = token();
    this.sessions.set(cookie, session);
    return { cookie, session };
  }

  requestOptions(challenge = token()) {
    return { challenge, rpId: "localhost", timeout: 60_000, userVerification: "required", allowCredentials: [{ type: "public-key", id: this.credential ?? token() }] };
  }

  // { status, json | text, headers }
  async handle({ method, url, headers, body }) {
    const where = new URL(url, "http://localhost");
    const found = where.pathname.startsWith(base) && match(method, where.pathname.slice(base.length));
    try {
      if (!found) throw new Refused("M_UNRECOGNIZED");
      const { operation, params } = found;
      this.calls.push(operation.operationId);
      const cookie = /__Host-gims-console=([\w-]+)/.exec(headers.cookie ?? "")?.[1];
      const session = this.sessions.get(cookie);
      this.admit(operation, session, headers);
      const errcode = this.fail?.(operation.operationId);
      if (errcode) throw new Refused(errcode);
      const schema = bodySchema(operation);
      const json = schema && body ? JSON.parse(body) : undefined;
      if (schema && (json !== undefined || operation.requestBody.required)) {
        const wrong = fault(schema, json);
        if (wrong) throw new Refused("M_BAD_JSON", wrong);
      }
      const act = acts[operation.operationId];
      const answer = (await act?.call(this, { params, query: where.searchParams, json, body, session, cookie })) ?? {};
      const { $cookie, $text, ...plain } = answer;
      if ($text !== undefined) return { status: 200, text: $text, headers: {} };
      const expected = answerSchema(operation);
      const wrong = expected ? fault(expected, plain) : "";
      if (wrong) throw new Error(`${operation.operationId}: the mock's answer is not of the contract: ${wrong}`);
      const set = $cookie ? { "set-cookie": `__Host-gims-console=${$cookie}; Path=/; Secure; HttpOnly; SameSite=Strict` } : {};
      return { status: 200, json: plain, headers: set };
    } catch (error) {
      if (error instanceof Refused) return { status: error.status, json: { errcode: error.errcode, error: error.message }, headers: {} };
      console.error(error);
      return { status: 500, json: { errcode: "M_UNKNOWN", error: String(error.message) }, headers: {} };
    }
  }

  admit(operation, session, headers) {
    const ways = operation.security ?? api.security;
    if (!ways.some((way) => "session" in way)) return;
    if (!session) throw new Refused("M_UNKNOWN_TOKEN");
    if (ways.every((way) => "csrf" in way) && headers["x-gims-csrf"] !== session.csrf) throw new Refused("GIMS_ORIGIN");
    const roles = operation["x-gims-roles"];
    const inSetup = session.setup && ["setup", "ceremony", "session", "jobs"].includes(operation.tags[0]);
    if (!inSetup && roles.length && !roles.some((role) => session.roles.includes(role))) throw new Refused("GIMS_ROLE");
    if (operation["x-gims-fresh"] && Date.now() - session.fresh_ts > operation["x-gims-fresh"] * 1000) throw new Refused("GIMS_FRESH");
  }
}

const acts = {
  getSite() { return { server_name: this.unprovisioned ? "" : "gims.internal", organisation: this.unprovisioned ? "" : "Ministry of Works", state: this.unprovisioned ? "unprovisioned" : "operational", rp_id: "localhost", version: "0.1.0", languages: ["en", "hi", "ur"], language: "hi", time_zone: "Asia/Kolkata" }; },
  startSignin({ json }) {
    if (json.passphrase !== "correct horse battery") throw new Refused("M_FORBIDDEN");
    const signin = token();
    this.signing.set(signin, json.name);
    return { signin, expires_ts: Date.now() + 120_000, factors: ["webauthn", "totp"], webauthn: this.requestOptions() };
  },
  finishSignin({ json }) {
    const name = this.signing.get(json.signin);
    if (!name) throw new Refused("GIMS_EXPIRED");
    if (json.factor.totp && json.factor.totp !== "123456") throw new Refused("M_FORBIDDEN");
    const { cookie, session } = this.openSession(name);
    return { ...session, $cookie: cookie };
  },
  acceptInvitation({ json }) { const signin = token(); this.signing.set(signin, json.name); return { signin, expires_ts: Date.now() + 120_000, factors: [] }; },
  startSigninRegistration({ json }) { return acts.startFactor.call(this, { json, session: { name: "auditor" } }); },
  finishSigninRegistration({ json }) { const { cookie, session } = this.openSession(this.signing.get(json.signin)); return { ...session, $cookie: cookie }; },
  getSession({ session }) { return session; },
  signOut({ cookie }) { this.sessions.delete(cookie); },
  listSessions() { return { sessions: this.world.sessions }; },
  revokeSession({ params }) { this.world.sessions = this.world.sessions.filter((one) => one.session_id !== params.sessionId); },
  startFresh({ json }) {
    if (json.passphrase !== "correct horse battery") throw new Refused("M_FORBIDDEN");
    return { fresh: token(), expires_ts: Date.now() + 120_000, factors: ["totp"] };
  },
  finishFresh({ session }) { session.fresh_ts = Date.now(); return session; },
  getMe({ session }) { return { name: session.name, roles: session.roles, language: session.language, credentials: [{ credential_id: "a".repeat(43), label: "Office key", added_ts: this.world.now - 9e9, last_used_ts: this.world.now }], totp: true }; },
  setLanguage({ json, session }) { session.language = json.language; },
  startFactor({ json, session }) {
    if (json.factor === "totp") return { totp: { secret: "JBSWY3DPEHPK3PXP", uri: "otpauth://totp/gims.internal:administrator?secret=JBSWY3DPEHPK3PXP&issuer=GIMS" } };
    return { webauthn: { challenge: token(), rp: { id: "localhost", name: "GIMS" }, user: { id: token(16), name: session.name, displayName: session.name }, pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }], timeout: 60_000, attestation: "none", authenticatorSelection: { userVerification: "required", residentKey: "discouraged" }, excludeCredentials: [] } };
  },
  finishFactor(call) { return acts.getMe.call(this, call); },
  listAdministrators() { return { administrators: this.world.administrators }; },
  inviteAdministrator({ params }) { return { name: params.name, code: "K7QX-2MPA-9RTW".replace("9", "5").padEnd(19, "-ABCD"), expires_ts: Date.now() + 86_400_000 }; },
  listProposals() { return { proposals: this.world.proposals }; },
  propose({ json, session }) {
    const proposal = { proposal_id: 43 + this.world.proposals.length, action: json.action, request: json, text: `do what ${json.action} says`, proposed_by: session.name, proposed_ts: Date.now(), expires_ts: Date.now() + 600_000, state: "waiting", approved_by: [], needed: 2, challenge: token(), redeemable: false };
    this.world.proposals.unshift(proposal);
    return proposal;
  },
  getProposal({ params }) { return find(this.world.proposals, (one) => one.proposal_id === Number(params.proposalId), "GIMS_APPROVAL_PENDING"); },
  startApproval({ params }) { return { webauthn: this.requestOptions(acts.getProposal.call(this, { params }).challenge) }; },
  approve({ params, json, session }) {
    const proposal = acts.getProposal.call(this, { params });
    const client = JSON.parse(Buffer.from(json.webauthn.response.clientDataJSON, "base64url"));
    if (client.challenge !== proposal.challenge) throw new Refused("GIMS_APPROVAL_ASSERTION");
    if (proposal.approved_by.includes(session.name)) throw new Refused("GIMS_APPROVAL_TWICE");
    proposal.approved_by.push(session.name);
    if (proposal.approved_by.length === 2) Object.assign(proposal, api["x-gims-keyd-actions"][proposal.action].done_by === "gimsd" ? { state: "approved", redeemable: true } : { state: "done" });
    return { missing: 2 - proposal.approved_by.length, text: "", proposal };
  },
  redeem({ params }) { const proposal = acts.getProposal.call(this, { params }); Object.assign(proposal, { state: "done", redeemable: false }); return { proposal, text: "Done." }; },
  withdrawProposal({ params }) { Object.assign(acts.getProposal.call(this, { params }), { state: "withdrawn" }); },
  getOrganisation() { return { units: this.world.units, designations: this.world.designations }; },
  addUnit({ json }) { const unit = { unit_id: `u${this.world.units.length}`, officers: 0, ...json }; if (!unit.name_hi) delete unit.name_hi; this.world.units.push(unit); return unit; },
  changeUnit({ params, json }) { return Object.assign(find(this.world.units, (one) => one.unit_id === params.unitId), json); },
  removeUnit({ params }) { this.world.units = this.world.units.filter((one) => one.unit_id !== params.unitId); },
  addDesignation({ json }) { const one = { designation_id: `g${this.world.designations.length}`, officers: 0, ...json }; if (!one.name_hi) delete one.name_hi; this.world.designations.push(one); return one; },
  listUsers({ query }) {
    const rows = this.world.users.filter((user) => (has(user.user_id, query.get("q")) || has(user.display_name, query.get("q"))) && (!query.get("state") || user.state === query.get("state")) && (!query.get("unit") || user.unit_id === query.get("unit")));
    return slice(rows, query, "users");
  },
  addUser({ json }) {
    const user_id = `@${json.localpart}:${this.world.server}`;
    if (this.world.users.some((user) => user.user_id === user_id)) throw new Refused("M_USER_IN_USE");
    this.world.users.unshift({ user_id, display_name: json.display_name ?? json.localpart, state: "active", created_ts: Date.now(), devices: 0 });
    return { user_id };
  },
  getUser({ params }) {
    const { devices, slip, devices_pending, ...user } = find(this.world.users, (one) => one.user_id === params.userId);
    const at = this.world.users.findIndex((one) => one.user_id === params.userId);
    return { ...user, must_change_password: false, devices: Array.from({ length: devices }, (_, n) => this.world.device(at + n)), employee_id: `E-${1000 + at}`, phone: "+91 11 2300 0000", rooms: 14 };
  },
  changeUser(call) { Object.assign(find(this.world.users, (one) => one.user_id === call.params.userId), call.json); return acts.getUser.call(this, call); },
  lockUser({ params }) { find(this.world.users, (one) => one.user_id === params.userId).state = "locked"; },
  unlockUser({ params }) { find(this.world.users, (one) => one.user_id === params.userId).state = "active"; },
  suspendUser({ params }) { find(this.world.users, (one) => one.user_id === params.userId).state = "suspended"; },
  deactivateUser({ params }) { find(this.world.users, (one) => one.user_id === params.userId).state = "deactivated"; },
  previewImport({ body }) {
    const [head, ...lines] = body.trim().split("\n").map((line) => line.trim().split(","));
    if (!head.includes("localpart")) throw new Refused("GIMS_IMPORT");
    const seen = new Set();
    const rows = lines.map((cells, at) => {
      const value = (name) => cells[head.indexOf(name)] ?? "";
      const errors = [];
      const add = (errcode, column) => errors.push({ row: at + 2, errcode, column, value: value(column), error: `Line ${at + 2}: ${errcode}` });
      if (!/^[a-z0-9._=/+-]+$/.test(value("localpart"))) add("GIMS_ROW_NAME", "localpart");
      if (seen.has(value("localpart"))) add("GIMS_ROW_TWICE", "localpart");
      seen.add(value("localpart"));
      if (value("unit") && !this.world.units.some((unit) => unit.name === value("unit"))) add("GIMS_ROW_UNIT", "unit");
      return { row: at + 2, localpart: value("localpart"), display_name: value("display_name"), unit: value("unit"), designation: value("designation"), errors };
    });
    this.import = rows;
    const bad = rows.filter((row) => row.errors.length).length;
    return { import_id: token(16), expires_ts: Date.now() + 3_600_000, rows: rows.length, good: rows.length - bad, bad, columns: head, first: rows.slice(0, 50) };
  },
  listImportRows({ query }) { return slice(this.import.filter((row) => query.get("only") !== "bad" || row.errors.length), query, "rows", (row) => String(row.row)); },
  commitImport() { return { made: this.import.filter((row) => !row.errors.length).length, errors: this.import.flatMap((row) => row.errors) }; },
  listSlips({ query }) { return slice(this.world.slips.filter((slip) => !query.get("state") || slip.state === query.get("state")), query, "slips", (slip) => slip.slip_id); },
  makeSlips({ json }) {
    return {
      slips: json.user_ids.map((user_id, at) => ({ slip_id: `new-${at}`, user_id, code: "QX7M-2PAK-RTW5", expires_ts: this.world.now + json.hours * 3_600_000, display_name: this.world.users.find((user) => user.user_id === user_id)?.display_name ?? user_id, designation: "Joint Secretary", unit: "Department of Roads" })),
      site: { organisation: "Ministry of Works", base_url: "https://gims.internal:8443", setup_url: "http://gims.internal/", ca_sha256: this.world.custody.site_root.sha256, wifi: { ssid: "MOW Set-up", passphrase: "rtw5-qx7m-2pak-9d", security: "SAE" }, wifi_devices_ssid: "MOW" },
    };
  },
  listDevices({ query }) {
    const rows = this.world.siteDevices.filter((row) => (has(row.user_id, query.get("q")) || has(row.display_name, query.get("q")) || has(row.device.device_id, query.get("q"))) && (!query.get("state") || row.device.state === query.get("state")));
    const counts = { pending: 0, approved: 0, locked: 0, revoked: 0, wiping: 0, wiped: 0 };
    for (const row of this.world.siteDevices) counts[row.device.state] += 1;
    return { ...slice(rows, query, "devices", (row) => row.user_id + row.device.device_id), counts };
  },
  getLabels() { return { labels: this.world.labels }; },
  listRooms({ query }) { return slice(this.world.rooms.filter((room) => has(room.name, query.get("q")) && (!query.get("label") || room.label === query.get("label"))), query, "rooms", (room) => room.room_id); },
  getRoom({ params }) { return find(this.world.rooms, (room) => room.room_id === params.roomId); },
  listRoomMembers({ params, query }) {
    const { members } = acts.getRoom.call(this, { params });
    return slice(this.world.users.slice(0, members).map((user, at) => ({ user_id: user.user_id, display_name: user.display_name, membership: at % 9 === 8 ? "invite" : "join", power_level: at ? 0 : 100 })), query, "members");
  },
  listReports({ query }) { return slice(this.world.reports.filter((one) => !query.get("state") || one.state === query.get("state")), query, "reports", (one) => String(one.report_id)); },
  getCustody() { return this.world.custody; },
  takeQuote() { return { ts: this.world.now, nonce: "0".repeat(64), evidence: "{}" }; },
  getCeremony() { if (!this.ceremony) throw new Refused("GIMS_KEYD_CEREMONY"); return this.ceremony; },
  beginCeremony({ json }) { this.ceremony = { ceremony_id: 1, kind: json.kind, phase: "collecting", given: 0, needed: 3, shares: json.sharing?.shares ?? 0, confirmed: [], expires_ts: this.world.now + 1_800_000 }; return this.ceremony; },
  giveShare() { this.ceremony.given += 1; if (this.ceremony.given === this.ceremony.needed) this.ceremony.phase = this.ceremony.shares ? "showing" : "ready"; return this.ceremony; },
  showShare({ json }) { return { share: json.share, words: Array.from({ length: 33 }, (_, at) => ["academic", "acid", "acne", "acquire", "acrobat", "activity", "actress", "adapt"][at % 8]) }; },
  confirmShare({ json }) { this.ceremony.confirmed.push(json.share); if (this.ceremony.confirmed.length === this.ceremony.shares) this.ceremony.phase = "ready"; return this.ceremony; },
  finishCeremony() { const { kind } = this.ceremony; this.ceremony = undefined; return { generation: 3, site_root_sha256: this.world.custody.site_root.sha256, text: `${kind} is done` }; },
  abortCeremony() { this.ceremony = undefined; },
  getStatus() { return { version: "0.1.0", server_name: "gims.internal", uptime_seconds: 612_345, store: { read_only: false, position: 99_123 }, keyd: { state: "operational" }, connections: 4312, users: { active: 9780, locked: 104, deactivated: 47, suspended: 69 }, audit: { sequence: this.audit.length, standing: "witnessed", text: "intact, and gims-keyd has its head", witnessed: this.audit.length } }; },
  getHealth() {
    const { figures } = series("15m", undefined, Date.now());
    return { ts: this.world.now, figures: Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, values.at(-1)])), services: [["gimsd", "running"], ["gims-keyd", "running"], ["gims-tlsd", "running"], ["coturn", "running"], ["hostapd", "waiting"], ["ntfy", "failed"]].map(([name, state]) => ({ name, state, text: state === "running" ? "" : `${name}: ${state}` })), disk: { total: 960e9, free: 604e9 }, memory: { total: 16e9, available: 8e9 }, clock: { synchronised: true, source: "rtc" }, last_backup_ts: this.world.backups[0].made_ts };
  },
  getSeries({ query }) { return series(query.get("range") ?? "15m", query.get("since") ? Number(query.get("since")) : undefined, Date.now()); },
  listAlarms() { return { alarms: this.world.alarms }; },
  acknowledgeAlarm({ params, session }) { Object.assign(find(this.world.alarms, (one) => one.alarm_id === params.alarmId), { acknowledged_by: session.name, acknowledged_ts: Date.now() }); },
  startCheck() { return { job_id: "j8" }; },
  listAudit({ query }) {
    const limit = Number(query.get("limit") ?? 100);
    const rows = this.audit.filter((entry) => has(entry.actor, query.get("actor")) && has(entry.act, query.get("act")) && has(entry.target, query.get("target")) && entry.ts >= Number(query.get("from") ?? 0) && entry.ts <= Number(query.get("to") ?? Infinity));
    const page = query.get("order") === "newest"
      ? rows.filter((entry) => entry.sequence < Number(query.get("before") ?? Infinity)).toReversed().slice(0, limit)
      : rows.filter((entry) => entry.sequence > Number(query.get("after") ?? 0)).slice(0, limit);
    return { entries: page, ...(page.length === limit ? { next: page.at(-1).sequence } : {}) };
  },
  verifyAudit() { return { intact: true, witnessed: true, sequence: this.audit.length, text: "intact" }; },
  exportAuditCsv() { return { $text: "sequence,ts,actor,origin,act,target,detail,hash\n" }; },
  exportAudit() { return { version: 1, entries: this.audit, certificate: null }; },
  listJobs() { return { jobs: this.world.jobs }; },
  cancelJob({ params }) { find(this.world.jobs, (job) => job.job_id === params.jobId).state = "cancelled"; },
  beginUpload({ json }) { this.upload = { upload_id: "up1", kind: json.kind, name: json.name, size: json.size, received: 0, chunk: 65_536, expires_ts: Date.now() + 3_600_000 }; return this.upload; },
  sendChunk({ query, body }) { if (Number(query.get("offset")) !== this.upload.received) throw new Refused("GIMS_STATE"); this.upload.received += body.length; return this.upload; },
  listMedia() { return { media: [{ medium_id: "usb1", label: "GIMS", size: 32e9, free: 30e9 }] }; },
  listBackups() { return { backups: this.world.backups, last_ts: this.world.backups[0].made_ts }; },
  adoptBackup() { return this.world.backups[1]; },
  downloadBackup() { return { $text: "" }; },
  verifyBackup() { return { job_id: "j9" }; },
  testBackup() { return { job_id: "j10" }; },
  getUpdates() { return this.world.updates; },
  checkUpdate() { return { job_id: "j11" }; },
  installUpdate() { return { job_id: "j12" }; },
  getSettings() { return this.world.settings; },
  changeSettings({ json }) { return Object.assign(this.world.settings, json); },
  makeMetricsToken() { return { token: token(32) }; },
  beginSetup() { const { cookie, session } = this.openSession("set-up", true); return { ...session, $cookie: cookie }; },
  getSetup() { return this.world.setup; },
  answerStep({ params, json }) {
    const { setup } = this.world;
    setup.draft[params.step] = json;
    find(setup.steps, (one) => one.step === params.step).done = true;
    return setup;
  },
  makeSite() { this.world.setup.state = "ceremony"; this.ceremony = { ceremony_id: 1, kind: "provision", phase: "showing", given: 0, needed: 0, shares: this.world.setup.draft.sharing.shares, confirmed: [], expires_ts: Date.now() + 1_800_000 }; return { job_id: "s1" }; },
  finishSetup() { this.unprovisioned = false; return { invitations: [{ name: "administrator", code: "QX7M-2PAK-RTW5-HJ2K", expires_ts: Date.now() + 86_400_000 }], base_url: "https://gims.internal:8443", console_url: "https://gims.internal:9443", site_root_sha256: this.world.custody.site_root.sha256 }; },
};

function find(rows, is, errcode = "M_NOT_FOUND") {
  const row = rows.find(is);
  if (!row) throw new Refused(errcode);
  return row;
}

// A server for the mock, and for the built console where its folder's files are given: (path) => { bytes, type } | undefined.
export function serve(mock, { files, policy } = {}) {
  return createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", async () => {
      if (files && !request.url.startsWith("/_gims/")) {
        const file = files(request.url.split("?")[0]);
        response.writeHead(file ? 200 : 404, { "content-type": file?.type ?? "text/plain", ...(policy ? { "content-security-policy": policy } : {}), "x-content-type-options": "nosniff" });
        return response.end(file?.bytes);
      }
      const raw = Buffer.concat(parts);
      const body = request.headers["content-type"] === "application/octet-stream" ? raw : raw.toString();
      const answer = await mock.handle({ method: request.method, url: request.url, headers: request.headers, body });
      response.writeHead(answer.status, { "content-type": answer.json ? "application/json" : "text/plain", "cache-control": "no-store", ...answer.headers });
      return response.end(answer.json ? JSON.stringify(answer.json) : answer.text);
    });
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const mock = new Mock({ unprovisioned: process.argv.includes("--unprovisioned") });
  serve(mock).listen(5180, "127.0.0.1", () => console.log("mock of gimsd on 127.0.0.1:5180; passphrase: correct horse battery, code: 123456, names: administrator, security, auditor"));
}
