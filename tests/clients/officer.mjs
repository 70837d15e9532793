// One client process. Reads a request a line, {"id": 1, "do": "login", ...}, and answers each with
// {"id": 1, "ok": {...}} or {"id": 1, "error": "..."}; ends when its input does. What it does: client.mjs.

import readline from "node:readline";

// The library writes to the console; the answers have standard output to themselves.
for (const level of ["log", "info", "debug", "warn", "trace"]) console[level] = process.env.GIMS_CLIENT_DEBUG ? console.error : () => {};
const { Officer } = await import("./client.mjs");

const officer = new Officer();
const answer = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

for await (const line of readline.createInterface({ input: process.stdin })) {
    const { id, do: command, ...parameters } = JSON.parse(line);
    // Requests may overlap: both sides of a verification wait for each other.
    Promise.resolve()
        .then(() => {
            if (command === "tokens") return { tokens: officer.tokens };
            const known = Object.getOwnPropertyNames(Officer.prototype).includes(command) && command !== "constructor";
            if (!known) throw new Error(`no command ${command}`);
            return officer[command](parameters);
        })
        .then((ok) => answer({ id, ok }), (error) => {
            console.error(error);
            answer({ id, error: `${command}: ${error.message}` });
        });
}
process.exit(0);
