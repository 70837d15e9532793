// What was built, in a browser: under the policy that gimsd is to send, by keyboard, with a security key, for screen readers (axe),
// at each width, in English, Hindi and Urdu; and how much of it the first page loads.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { after, before, test } from "node:test";
import { nameOf, pages } from "./pages.mjs";
import { open, settled, shots, visit } from "./site.mjs";

const axe = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const app = process.env.GIMS_CONSOLE_APP ?? new URL("../../../../build/console/app", import.meta.url).pathname;
let site;
before(async () => {
  mkdirSync(shots, { recursive: true });
  site = await open({ officers: 10_000, devices: 50_000 });
});
after(() => site.close());

// WCAG 2.2 AA, as far as a program sees it.
async function findings(page) {
  // By the debugger: the page's own policy lets no script in.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).slice(0, 4).join("; ")}`);
}

const tooWide = (page) => page.evaluate(() => {
  const main = document.querySelector("main");
  return Math.max(document.documentElement.scrollWidth - document.documentElement.clientWidth, main ? main.scrollWidth - main.clientWidth : 0);
});

for (const [language, width, scheme] of [["en", 1440, "light"], ["en", 1440, "dark"], ["hi", 1440, "light"], ["ur", 1440, "light"], ["en", 390, "light"], ["hi", 390, "dark"], ["ur", 390, "light"], ["hi", 320, "light"], ["en", 3840, "light"]]) {
  test(`each page in ${language}, ${width} wide, ${scheme}`, async (t) => {
    const { page, context, problems } = await visit(site, { as: "administrator", language, width, height: width < 800 ? 844 : 900, scheme });
    for (const path of pages) {
      await t.test(nameOf(path), async () => {
        await page.goto(`${site.address}/#/${path}`);
        await settled(page);
        await page.screenshot({ path: `${shots}/${nameOf(path)}-${language}-${width}${scheme === "dark" ? "-dark" : ""}.png` });
        assert.equal(await tooWide(page), 0, "nothing is wider than the window");
        assert.equal(await page.getAttribute("html", "lang"), language);
        assert.equal(await page.getAttribute("html", "dir"), language === "ur" ? "rtl" : "ltr");
        if (width === 1440 || width === 390) assert.deepEqual(await findings(page), []);
        assert.deepEqual(problems, [], "the policy forbids nothing that the page does");
      });
    }
    await context.close();
  });
}

test("before signing in, and a new unit", async () => {
  for (const language of ["en", "hi", "ur"]) {
    const { page, context, problems } = await visit(site, { language });
    await page.goto(`${site.address}/`);
    await settled(page);
    assert.deepEqual(await findings(page), []);
    await page.screenshot({ path: `${shots}/signin-${language}-1440.png` });
    assert.deepEqual(problems, []);
    await context.close();
  }
  const empty = await open({ unprovisioned: true });
  const { page, context } = await visit(empty, { setup: true, language: "hi", width: 390 });
  await page.goto(`${empty.address}/`);
  await settled(page);
  assert.deepEqual(await findings(page), []);
  await page.screenshot({ path: `${shots}/setup-hi-390.png` });
  await context.close();
  await empty.close();
});

test("a security key signs in and approves, under the policy", async () => {
  const { page, context, problems } = await visit(site, {});
  const debug = await context.newCDPSession(page);
  await debug.send("WebAuthn.enable");
  const { authenticatorId } = await debug.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "usb", hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  const key = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const privateKey = Buffer.from(await crypto.subtle.exportKey("pkcs8", key.privateKey)).toString("base64");
  const id = Buffer.alloc(32, 7);
  site.mock.credential = id.toString("base64url");
  await debug.send("WebAuthn.addCredential", { authenticatorId, credential: { credentialId: id.toString("base64"), isResidentCredential: false, rpId: "localhost", privateKey, signCount: 1 } });
  await page.goto(`${site.address}/#/proposals`);
  await page.getByLabel("Your name").fill("administrator");
  await page.getByLabel("Passphrase").fill("correct horse battery");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Use security key" }).click();
  await page.getByRole("heading", { level: 1, name: "Proposals" }).waitFor();
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByRole("button", { name: "Approve with security key" }).click();
  await page.getByText("One of them can carry it out now").waitFor();
  assert.deepEqual(site.mock.world.proposals[0].approved_by, ["security", "administrator"]);
  assert.deepEqual(problems, []);
  await context.close();
});

test("by keyboard alone: skip, menu, dialog and back", async () => {
  const { page, context } = await visit(site, { as: "administrator" });
  await page.goto(`${site.address}/#/officers`);
  await settled(page);
  assert.equal(await page.evaluate(() => document.querySelector("a, button, input, select").className), "skip", "the first that Tab comes to");
  await page.locator(".skip").focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
  await page.getByRole("button", { name: "Add officer" }).focus();
  await page.keyboard.press("Enter");
  const inside = () => page.evaluate(() => document.querySelector("[role=dialog]")?.contains(document.activeElement) ?? false);
  await page.getByRole("dialog").waitFor();
  for (let step = 0; step < 12; step += 1) {
    assert.ok(await inside(), "the focus stays in the dialog");
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Add officer");
  await context.close();
});

test("a list of officers with mistakes is shown row by row before anything is made", async () => {
  const { page, context } = await visit(site, { as: "administrator", width: 390 });
  await page.goto(`${site.address}/#/officers/import`);
  await settled(page);
  const list = "localpart,display_name,unit\na.one,One,Ministry of Works\nB two,Two,\na.one,Three,\nc,Four,Nowhere\n";
  await page.getByLabel("CSV file").setInputFiles({ name: "list.csv", mimeType: "text/csv", buffer: Buffer.from(list) });
  for (const text of ["Letters that a user name cannot have", "The same user name comes twice in the file", "There is no such unit"]) await page.getByText(text).waitFor();
  assert.ok(!site.mock.calls.includes("commitImport"));
  await context.close();
});

test("long lists have only what is seen in the page", async () => {
  const { page, context } = await visit(site, { as: "administrator" });
  for (const [path, total] of [["officers", 10_000], ["devices", 50_000]]) {
    await page.goto(`${site.address}/#/${path}`);
    const table = page.getByRole("table");
    await table.waitFor();
    assert.equal(await table.getAttribute("aria-rowcount"), String(total + 1));
    const first = await page.locator(".list-row").first().innerText();
    await table.evaluate((element) => element.scrollTo(0, 6000));
    await page.waitForFunction((text) => document.querySelector(".list-row").innerText !== text, first);
    assert.ok(await page.locator(".list-row").count() < 80);
  }
  await context.close();
});

test("the first page loads less than 300 kB of compressed script", () => {
  const manifest = JSON.parse(readFileSync(`${app}/.vite/manifest.json`, "utf8"));
  const chunks = new Set();
  const add = (name) => {
    if (chunks.has(name)) return;
    chunks.add(name);
    for (const next of manifest[name].imports ?? []) add(next);
  };
  // The frame, the overview with its charts, and the larger of the two languages that are complete at once.
  for (const name of ["index.html", "src/pages/overview.tsx", "src/ui/chart.tsx", "src/i18n/locales/hi.json"]) add(name);
  const size = [...chunks].reduce((sum, name) => sum + statSync(`${app}/${manifest[name].file}.gz`).size, 0);
  assert.ok(size < 300_000, `${size} bytes`);
  assert.ok(chunks.size > 5);
});

test("nothing of the mock and no inline code is in what was built", () => {
  const html = readFileSync(`${app}/index.html`, "utf8");
  assert.doesNotMatch(html, /<script(?![^>]*src=)|\sstyle=|\son\w+=/);
  const manifest = JSON.parse(readFileSync(`${app}/.vite/manifest.json`, "utf8"));
  for (const { file } of Object.values(manifest)) {
    if (file.endsWith(".js")) assert.doesNotMatch(readFileSync(`${app}/${file}`, "utf8"), /correct horse battery|Flood control room/, file);
  }
});
