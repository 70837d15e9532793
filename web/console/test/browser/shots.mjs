// Pictures of pages, to be looked at: shots.mjs [LANGUAGE:WIDTH[:dark]]… ; without an
// argument all languages and widths. PAGES="officers audit": these alone.
import { mkdirSync } from "node:fs";
import { nameOf, pages } from "./pages.mjs";
import { open, settled, shots, visit } from "./site.mjs";

const only = (process.env.PAGES ?? "").split(" ").filter(Boolean);
const wanted = process.argv.slice(2).length ? process.argv.slice(2) : ["en:1440", "hi:1440", "ur:1440", "en:390", "hi:390", "ur:390", "en:320", "en:1440:dark"];
mkdirSync(shots, { recursive: true });
const site = await open({ officers: 2000, devices: 4000 });
for (const one of wanted) {
  const [language, width, scheme = "light"] = one.split(":");
  const { page, context, problems } = await visit(site, { as: "administrator", language, width: Number(width), height: Number(width) < 800 ? 844 : 900, scheme });
  for (const path of pages.filter((name) => !only.length || only.includes(nameOf(name)))) {
    await page.goto(`${site.address}/#/${path}`);
    await settled(page);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    const inner = await page.evaluate(() => { const main = document.querySelector("main"); return main ? main.scrollWidth - main.clientWidth : 0; });
    if (over > 0 || inner > 0) console.log(`${one} ${nameOf(path)}: ${over} / ${inner} px too wide`);
    await page.screenshot({ path: `${shots}/${nameOf(path)}-${language}-${width}${scheme === "dark" ? "-dark" : ""}.png` });
  }
  for (const problem of problems) console.log(`${one}: ${problem}`);
  await context.close();
}
await site.close();
