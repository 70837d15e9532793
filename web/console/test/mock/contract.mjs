// The contract, as a server would follow it: which operation a request is, whether it may be, whether body and answer have the
// form that docs/admin-api.yaml says. For tests and for developing alone: no part of it is built into the console.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "@redocly/ajv/dist/2020.js";
import { load } from "js-yaml";

export const api = load(readFileSync(join(import.meta.dirname, "../../../../docs/admin-api.yaml"), "utf8"));
export const base = api.servers[0].url;

const ajv = new Ajv.default({ strict: false, formats: { password: true } });
ajv.addSchema({ $id: "api", components: api.components });
const compiled = new Map();

// "" where the value is of the schema's form, else what is wrong.
export function fault(schema, value) {
  const key = JSON.stringify(schema);
  if (!compiled.has(key)) compiled.set(key, ajv.compile(JSON.parse(key.replaceAll('"#/components', '"api#/components'))));
  const check = compiled.get(key);
  return check(value) ? "" : ajv.errorsText(check.errors);
}

const routes = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => {
    const names = [...path.matchAll(/{(\w+)}/g)].map((match) => match[1]);
    const pattern = new RegExp(`^${path.replace(/{\w+}/g, "([^/]+)")}$`);
    return { method: method.toUpperCase(), path, pattern, names, operation };
  }),
);

// { operation, params } of a request's method and path below the base, the literal before the one with parameters.
export function match(method, path) {
  const found = routes
    .filter((route) => route.method === method && route.pattern.test(path) && route.operation["x-gims-doors"].includes("console"))
    .sort((one, other) => one.names.length - other.names.length)[0];
  if (!found) return undefined;
  const values = path.match(found.pattern).slice(1).map(decodeURIComponent);
  return { operation: found.operation, params: Object.fromEntries(found.names.map((name, at) => [name, values[at]])) };
}

export const bodySchema = (operation) => operation.requestBody?.content?.["application/json"]?.schema;
export const answerSchema = (operation) => operation.responses["200"].content?.["application/json"]?.schema;

export class Refused extends Error {
  constructor(errcode, text = api["x-gims-errcodes"][errcode].do) {
    super(text);
    this.errcode = errcode;
    this.status = api["x-gims-errcodes"][errcode].status;
  }
}
