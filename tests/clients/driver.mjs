// Starts officers' client processes and speaks to them; shared by the drivers.

import { spawn } from "node:child_process";
import { closeSync, createWriteStream, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import readline from "node:readline";
import { fileURLToPath } from "node:url";

export class OfficerProcess {
    #process;
    #waiting = new Map();
    #next = 1;

    // name is for messages; the client's own errors go to the file log. `through` is a command that starts it elsewhere, such as
    // in a network of its own.
    constructor(name, log, through = []) {
        this.name = name;
        const [command, ...args] = [...through, process.execPath, fileURLToPath(new URL("officer.mjs", import.meta.url))];
        this.#process = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env: process.env });
        this.#process.stderr.pipe(createWriteStream(log, { flags: "a", mode: 0o600 }));
        readline.createInterface({ input: this.#process.stdout }).on("line", (line) => {
            const { id, ok, error } = JSON.parse(line);
            const { resolve, reject } = this.#waiting.get(id);
            this.#waiting.delete(id);
            if (error) reject(new Error(`${name}: ${error}`)); else resolve(ok);
        });
        this.#process.on("exit", (code, signal) => {
            for (const { reject } of this.#waiting.values()) reject(new Error(`${name}'s client ended (${signal ?? code}); see ${log}`));
            this.#waiting.clear();
        });
    }

    do(command, parameters = {}) {
        if (this.#process.exitCode !== null) return Promise.reject(new Error(`${this.name}'s client has ended`));
        const id = this.#next++;
        return new Promise((resolve, reject) => {
            this.#waiting.set(id, { resolve, reject });
            this.#process.stdin.write(`${JSON.stringify({ id, do: command, ...parameters })}\n`);
        });
    }

    end() { this.#process.stdin.end(); }
}

// --name value pairs of the command line; each of the names must be given.
export function options(...names) {
    const given = {};
    for (let i = 2; i < process.argv.length; i += 2) given[process.argv[i].replace(/^--/, "")] = process.argv[i + 1];
    for (const name of names) {
        if (given[name] === undefined) {
            console.error(`usage: ${process.argv[1]} ${names.map((each) => `--${each} VALUE`).join(" ")}`);
            process.exit(2);
        }
    }
    return given;
}

export const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

// Replaces the file whole, on the disk when this returns, readable by its owner only: it holds passwords.
export function writeJson(path, value) {
    const file = openSync(`${path}.new`, "w", 0o600);
    writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
    fsyncSync(file);
    closeSync(file);
    renameSync(`${path}.new`, path);
}

export function check(condition, text) {
    if (!condition) throw new Error(text);
}

// Runs the driver: prints what went wrong and ends with its status.
export async function main(run) {
    try {
        await run();
        process.exit(0);
    } catch (error) {
        console.error(`\n  FAILED: ${error.message}`);
        process.exit(1);
    }
}
