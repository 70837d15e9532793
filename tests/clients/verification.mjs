// Cross-signing, SAS verification, key backup and its restoration on a third device; a test.
//
//   verification.mjs --url URL --accounts FILE --logs FOLDER
//
// FILE: {"users": [{"user", "password", "name"}, {...}]}, accounts without any device yet, and "through" as in exchange.mjs.

import { join } from "node:path";
import { check, main, OfficerProcess, options, readJson } from "./driver.mjs";

const { url, accounts: accountsFile, logs } = options("url", "accounts", "logs");
const [asha, ravi] = readJson(accountsFile).users;

async function signIn(account, name) {
    const process = new OfficerProcess(name, join(logs, `${name}.log`), account.through);
    return { process, name, ...(await process.do("login", { url, user: account.user, password: account.password })) };
}

async function setUp({ process }) {
    const made = await process.do("make_recovery_key");
    await process.do("setup_encryption", made);
    return made.recovery_key;
}

// Both see the same emojis, and say so. `room`: where the steps are events, not to-device messages.
async function compare(one, other, room = {}) {
    const [asked, accepted] = await Promise.all([
        one.process.do("verify", { user_id: other.user_id, device_id: other.device_id, ...room }),
        other.process.do("accept"),
    ]);
    check(asked && accepted.from === one.user_id, "the request came from somebody else");
    const [left, right] = await Promise.all([one.process.do("emojis"), other.process.do("emojis")]);
    check(left.emojis.length === 7, `${left.emojis.length} emojis`);
    check(JSON.stringify(left) === JSON.stringify(right), "the emojis differ");
    console.log(`  ${one.name} and ${other.name}: ${left.emojis.map(([emoji, word]) => `${emoji} ${word}`).join(", ")}`);
}

const confirm = (...sides) => Promise.all(sides.map((side) => side.process.do("confirm")));
const mismatch = async (one, other) => {
    await one.process.do("mismatch");
    await other.process.do("mismatch").catch(() => {});
};

await main(async () => {
    const first = await signIn(asha, "first");
    const recovery_key = await setUp(first);
    const second = await signIn(ravi, "second");
    await setUp(second);

    const room = await first.process.do("create_room", { name: "verification", invite: [second.user_id] });
    await second.process.do("join", room);
    await Promise.all([
        first.process.do("meet", { ...room, user_id: second.user_id, device_id: second.device_id }),
        second.process.do("meet", { ...room, user_id: first.user_id, device_id: first.device_id }),
    ]);
    const texts = ["एक: before verification", "दो: after verification"];
    const sent = [];
    const say = async (text) => {
        const { event_id } = await first.process.do("send_text", { ...room, text });
        const read = await second.process.do("read", { ...room, event_id });
        check(read.text === text, "the other side read something else");
        sent.push(event_id);
    };
    await say(texts[0]);

    const about = (officer) => ({ user_id: officer.user_id, device_id: officer.device_id });
    const before = await first.process.do("trust", about(second));
    check(before.signed_by_owner && !before.user, "trusted before the verification");

    // Emojis that do not match end the verification and give no trust.
    await compare(first, second);
    await mismatch(first, second);
    check(!(await first.process.do("trust", about(second))).user, "trusted after a mismatch");

    await compare(first, second);
    await confirm(first, second);
    await Promise.all([
        first.process.do("trust", { ...about(second), wait: true }),
        second.process.do("trust", { ...about(first), wait: true }),
    ]);
    await say(texts[1]);
    console.log("  two officers verified each other");

    // A second device of the same officer, verified by the first, gets the identity's secrets from it.
    const tablet = await signIn(asha, "tablet");
    const hidden = await second.process.do("devices", { user_id: first.user_id });
    check(!hidden.devices.includes(tablet.device_id), "an unsigned device was given to another user");
    // The library drops a request from a device that it does not know yet, so both know each other first.
    await Promise.all([
        first.process.do("meet_own", { device_id: tablet.device_id }),
        tablet.process.do("meet_own", { device_id: first.device_id }),
    ]);
    await compare(first, tablet);
    await confirm(first, tablet);
    await second.process.do("meet", { ...room, ...about(tablet) });
    check((await second.process.do("devices", { user_id: first.user_id })).devices.includes(tablet.device_id), "a signed device is withheld");
    console.log("  a second device, verified by the first, is known to the other officer");

    // A third device has only the recovery key.
    await first.process.do("backed_up");
    const phone = await signIn(asha, "phone");
    const restored = await phone.process.do("recover", { recovery_key });
    check(restored.ready && restored.trusted, "identity or backup is not trusted");
    check(restored.imported >= 1 && restored.imported === restored.total, `restored ${restored.imported} of ${restored.total} keys`);
    const { messages } = await phone.process.do("history", room);
    check(JSON.stringify(messages.map((message) => message.text)) === JSON.stringify(texts), "the history is not all there");
    console.log(`  a third device restored ${restored.imported} keys and reads ${messages.length} earlier messages`);

    // And takes part: the other officer's new message reaches all three.
    await second.process.do("meet", { ...room, ...about(phone) });
    const { event_id } = await second.process.do("send_text", { ...room, text: "तीन: to every device" });
    for (const officer of [first, tablet, phone]) {
        check((await officer.process.do("read", { ...room, event_id })).text === "तीन: to every device", `${officer.name} read something else`);
    }

    // Once more in the room: readable steps, which the server lets pass (docs/threat-model.md). At the end, as a
    // device that signs in takes the request for its own.
    await compare(second, first, room);
    await confirm(second, first);
    console.log("  the two officers verified each other again, in their room");

    for (const officer of [first, second, tablet, phone]) {
        await officer.process.do("logout");
        officer.process.end();
    }
});
