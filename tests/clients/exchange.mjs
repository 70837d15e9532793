// Two officers exchange messages, and a file, end to end encrypted. Shows the exchange, and exits with
// 0 only if both sides decrypted everything.
//
//   exchange.mjs --url https://gims.internal:8443 --accounts FILE --report FILE --logs FOLDER
//
// FILE of --accounts: {"users": [{"user", "password", "name", "through"}, {...}]}, where "through" may be
// left out and is the command that starts this officer's client; recovery keys, the room, and the
// messages of each run that came to its end are added to it, so that the next run goes on in the same
// room, wherever an earlier one was interrupted. The report holds every plaintext and secret of the run,
// for the search through the site's files.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { check, main, OfficerProcess, options, readJson, writeJson } from "./driver.mjs";

const { url, accounts: accountsFile, report: reportFile, logs } = options("url", "accounts", "report", "logs");

const DIALOGUE = [
    [0, "नमस्ते। आज की बैठक का मसौदा तैयार है क्या?"],
    [1, "Yes, sir. The draft is ready; I am sending it in a minute."],
    [0, "धन्यवाद। कृपया इसे केवल इसी कक्ष में भेजें।"],
    [1, "Understood. यह केवल हमारे बीच रहेगा।"],
    [1, { name: "मसौदा-draft.txt" }],
    [0, "Received and read. बैठक 16:00 बजे, room 3."],
];

const colour = process.stdout.isTTY ? (code, text) => `\x1b[${code}m${text}\x1b[0m` : (_code, text) => text;

function show(officer, event, text) {
    const time = new Date(event.ts).toTimeString().slice(0, 8);
    console.log(`  ${time}  ${event.encrypted ? "🔒" : "  "} ${colour(officer.colour, officer.account.name.padEnd(16))}  ${text}`);
}

await main(async () => {
    const accounts = readJson(accountsFile);
    const officers = accounts.users.map((account, i) => ({
        account, colour: [36, 33][i], process: new OfficerProcess(account.name, join(logs, `client-${account.user}.log`), account.through),
    }));
    const report = { plaintexts: [], secrets: [] };

    await Promise.all(officers.map(async (officer) => {
        const { account, process } = officer;
        Object.assign(officer, await process.do("login", { url, user: account.user, password: account.password }));
        if (account.recovery_key && !account.being_set_up) {
            const restored = await process.do("recover", { recovery_key: account.recovery_key });
            check(restored.ready, `${account.name}: the identity could not be recovered`);
        } else {
            if (!account.recovery_key) {
                Object.assign(account, await process.do("make_recovery_key"), { being_set_up: true });
                writeJson(accountsFile, accounts);
            }
            await process.do("setup_encryption", { recovery_key: account.recovery_key });
            await process.do("set_name", { name: account.name });
            delete account.being_set_up;
            writeJson(accountsFile, accounts);
        }
    }));
    const [first, second] = officers;
    for (const officer of officers) console.log(`  ${officer.account.name}: signed in as ${officer.user_id}, device ${officer.device_id}, cross-signed`);

    if (accounts.room_id) {
        // What others wrote in the room, or a run that was interrupted before its keys were in the backup, is not asked for.
        const earlier = accounts.messages ?? [];
        for (const officer of officers) {
            const { messages, redacted } = await officer.process.do("history", { room_id: accounts.room_id });
            const read = new Set([...redacted, ...messages.filter((message) => message.decrypted).map((message) => message.event_id)]);
            const unread = earlier.filter((event_id) => !read.has(event_id));
            check(unread.length === 0, `${officer.account.name} cannot read ${unread.length} of ${earlier.length} earlier messages`);
            console.log(`  ${officer.account.name}: ${earlier.length} earlier messages, all read with keys from the backup`);
        }
    } else {
        const created = await first.process.do("create_room", { name: "Joint Secretary's office", invite: [second.user_id] });
        await second.process.do("join", created);
        accounts.room_id = created.room_id;
        writeJson(accountsFile, accounts);
    }
    const room = { room_id: accounts.room_id };
    await Promise.all([
        first.process.do("meet", { ...room, user_id: second.user_id, device_id: second.device_id }),
        second.process.do("meet", { ...room, user_id: first.user_id, device_id: first.device_id }),
    ]);
    console.log();

    // A number in each text tells this run's from an earlier one's.
    const run = randomBytes(4).toString("hex");
    const sent = [];
    for (const [who, what] of DIALOGUE) {
        const [sender, reader] = who === 0 ? [first, second] : [second, first];
        let event_id;
        if (typeof what === "string") {
            const text = `${what} [${run}]`;
            ({ event_id } = await sender.process.do("send_text", { ...room, text }));
            // The sender too reads it as it came back from the server.
            for (const side of [reader, sender]) {
                const event = await side.process.do("read", { ...room, event_id });
                check(event.encrypted && event.type === "m.room.encrypted", `${event_id} was not encrypted`);
                check(event.text === text && event.sender === sender.user_id, `${side.account.name} read something else than was sent`);
                if (side === reader) show(sender, event, text);
            }
            report.plaintexts.push(text, what);
        } else {
            const line = `गोपनीय / confidential ${run}: the draft for the meeting, line `;
            const content = Buffer.from(Array.from({ length: 400 }, (_, i) => `${line}${i + 1}\n`).join(""));
            ({ event_id } = await sender.process.do("send_file", { ...room, name: what.name, base64: content.toString("base64"), mimetype: "text/plain" }));
            for (const side of [reader, sender]) {
                const event = await side.process.do("read", { ...room, event_id });
                const { base64 } = await side.process.do("read_file", { ...room, event_id });
                check(content.equals(Buffer.from(base64, "base64")), `${side.account.name} received another file than was sent`);
                if (side === reader) show(sender, event, `${what.name} (${content.length} bytes, decrypted, identical)`);
            }
            report.plaintexts.push(line, what.name);
        }
        sent.push(event_id);
    }

    for (const { process } of officers) await process.do("backed_up");
    accounts.messages = [...(accounts.messages ?? []), ...sent];
    writeJson(accountsFile, accounts);
    for (const { account, process } of officers) {
        report.secrets.push(account.password, account.recovery_key, ...(await process.do("tokens")).tokens);
        await process.do("logout");
        process.end();
    }
    writeJson(reportFile, report);
    console.log(`\n  ${sent.length} of ${DIALOGUE.length} messages, decrypted by both sides`);
});
