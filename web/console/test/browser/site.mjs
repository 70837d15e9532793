// The built console on a loopback port, before the mock, in a browser of the machine's (Debian's chromium), under the policy that
// gimsd is to send.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { base } from "../mock/contract.mjs";
import { Mock, serve } from "../mock/server.mjs";

const app = process.env.GIMS_CONSOLE_APP ?? new URL("../../../../build/console/app", import.meta.url).pathname;
export const shots = process.env.GIMS_CONSOLE_SHOTS ?? new URL("../../../../build/console/screenshots", import.meta.url).pathname;

export const policy = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'", "img-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  "require-trusted-types-for 'script'", "trusted-types 'none'",
].join("; ");
const types = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml", woff2: "font/woff2", json: "application/json" };

function files(path) {
  if (path.includes("..")) return undefined;
  try {
    const name = path === "/" ? "/index.html" : path;
    return { bytes: readFileSync(app + name), type: types[name.split(".").at(-1)] ?? "application/octet-stream" };
  } catch {
    return undefined;
  }
}

export async function open(options) {
  const mock = new Mock(options);
  const server = serve(mock, { files, policy });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
  return {
    mock, browser, address: `http://localhost:${server.address().port}`,
    async close() {
      await browser.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

// A browser's page, signed in; what the policy forbids and what throws is kept in `problems`.
export async function visit(site, { as, language = "en", width = 1440, height = 900, scheme = "light", setup = false } = {}) {
  const context = await site.browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce", deviceScaleFactor: 1 });
  await context.addInitScript((code) => { if (!localStorage.getItem("gims.language")) localStorage.setItem("gims.language", code); }, language);
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  site.mock.language = language;
  if (as || setup) {
    await page.goto(`${site.address}/icon.svg`);
    const status = await page.evaluate(async ([name, base]) => {
      const post = async (path, body) => {
        const answer = await fetch(base + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
        return { status: answer.status, ...(await answer.json()) };
      };
      if (!name) return (await post("/setup/begin", { code: "ABCD-2345" })).status;
      const { signin } = await post("/signin/start", { name, passphrase: "correct horse battery" });
      return (await post("/signin/finish", { signin, factor: { totp: "123456" } })).status;
    }, [as, base]);
    if (status !== 200) throw new Error(`not signed in: ${status}`);
  }
  const problems = [];
  page.on("console", (message) => { if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) problems.push(message.text()); });
  page.on("pageerror", (error) => problems.push(String(error)));
  return { page, context, problems };
}

export async function settled(page) {
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(() => !document.querySelector(".busy"));
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
}
