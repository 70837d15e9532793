// Makes src/generated of docs/admin-api.yaml: the types of the contract, and per operation what the pages must know of it
// (who may call it, how fresh). A step of each build; nothing of it is committed.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";
import { load } from "js-yaml";

const contract = new URL("../../../docs/admin-api.yaml", import.meta.url);
const out = new URL("../src/generated/", import.meta.url);

const api = load(await readFile(contract, "utf8"));
await mkdir(out, { recursive: true });
await writeFile(new URL("api.d.ts", out), astToString(await openapiTS(contract)));

const operations = {};
for (const methods of Object.values(api.paths)) {
  for (const operation of Object.values(methods)) {
    if (!operation["x-gims-doors"].includes("console")) continue;
    operations[operation.operationId] = { roles: operation["x-gims-roles"], fresh: operation["x-gims-fresh"] };
  }
}
await writeFile(
  new URL("contract.ts", out),
  `export const operations = ${JSON.stringify(operations)} as const;\n` +
    `export const errcodes = ${JSON.stringify(Object.keys(api["x-gims-errcodes"]))} as const;\n` +
    `export const base = ${JSON.stringify(api.servers[0].url)};\n`,
);
