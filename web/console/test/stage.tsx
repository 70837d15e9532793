// The console, or one page of it, before the mock of gimsd.
import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import { vi } from "vitest";
import { App } from "../src/app";
import { setCsrf } from "../src/api/client";
import { setLanguage, startLanguages } from "../src/i18n";
import type { Language } from "../src/i18n/languages";
import { makeQueryClient, SessionProvider, type Session } from "../src/session/session";
import { Toasts } from "../src/ui/toasts";
import { Mock } from "./mock/server.mjs";

export interface Staged {
  mock: InstanceType<typeof Mock>;
  session: Session | undefined;
}

export async function stage(options: { path?: string; as?: string; language?: Language; mock?: ConstructorParameters<typeof Mock>[0]; prepare?: (mock: InstanceType<typeof Mock>) => void } = {}): Promise<Staged> {
  const mock = new Mock({ officers: 400, devices: 900, entries: 40, ...options.mock });
  options.prepare?.(mock);
  const opened = options.as ? mock.openSession(options.as) : undefined;
  let cookie = opened?.cookie;
  vi.stubGlobal("fetch", async (request: Request) => {
    const headers = Object.fromEntries(request.headers);
    if (cookie) headers["cookie"] = `__Host-gims-console=${cookie}`;
    const answer = await mock.handle({ method: request.method, url: new URL(request.url).href, headers, body: await request.text() });
    cookie = /__Host-gims-console=([\w-]+)/.exec(answer.headers["set-cookie"] ?? "")?.[1] ?? cookie;
    return new Response(answer.json ? JSON.stringify(answer.json) : answer.text, { status: answer.status, headers: { "content-type": answer.json ? "application/json" : "text/plain" } });
  });
  await startLanguages();
  await setLanguage(options.language ?? "en");
  location.hash = `#/${options.path ?? ""}`;
  setCsrf((opened?.session as Session | undefined)?.csrf);
  const site = (await (await fetch(new Request("http://localhost:3000/_gims/admin/v1/site"))).json()) as never;
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <SessionProvider initial={opened?.session as Session | undefined} site={site}><Toasts><App problem={undefined} /></Toasts></SessionProvider>
    </QueryClientProvider>,
  );
  return { mock, session: opened?.session as Session | undefined };
}
