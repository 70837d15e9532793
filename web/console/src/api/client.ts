// Calls of the contract (docs/admin-api.yaml), typed by it.
import createClient, { type Middleware } from "openapi-fetch";
import { base } from "../generated/contract";
import type { components, paths } from "../generated/api";

export type Schemas = components["schemas"];

// What gimsd said no with, or that it did not answer: errcode NETWORK is ours.
export class ApiError extends Error {
  constructor(
    readonly errcode: string,
    text: string,
    readonly status: number,
    readonly retryAfterMs?: number,
    readonly field?: string,
  ) {
    super(text);
  }
}

let csrf: string | undefined;
export function setCsrf(token: string | undefined) {
  csrf = token;
}

const guard: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET" && csrf) request.headers.set("X-GIMS-CSRF", csrf);
    return request;
  },
};

export const api = createClient<paths>({
  baseUrl: new URL(base, location.origin).href,
  credentials: "same-origin",
  cache: "no-store",
  // Late, so that tests may put theirs in its place.
  fetch: (request) => globalThis.fetch(request),
});
api.use(guard);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

// The data of an answer, or an ApiError.
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch {
    throw new ApiError("NETWORK", "", 0);
  }
  if (answer.response.ok && answer.data !== undefined) return answer.data;
  const refused = answer.error as Partial<Schemas["Error"]> | undefined;
  throw new ApiError(
    typeof refused?.errcode === "string" ? refused.errcode : "M_UNKNOWN",
    typeof refused?.error === "string" ? refused.error : "",
    answer.response.status,
    refused?.retry_after_ms,
    refused?.field,
  );
}
