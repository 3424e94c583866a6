// Every kind of page: what axe says of it in light and dark, whether it fits three widths, whether its layout moves, and
// a picture of each for people to look at.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { open, pictures, watched } from "./site.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const widths = [360, 1280, 1920];
/** WCAG 2.2, A and AA. */
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
/** How far the layout may move, as browsers count it; 0.1 is what they call good. */
const shift = 0.02;

let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

/** The first address on a page that begins so. */
async function linked(from, beginning) {
  const { context, page } = await watched(browser);
  await page.goto(from);
  const href = await page.locator(`main a[href^='${beginning}']`).first().getAttribute("href");
  await context.close();
  return href;
}

const kinds = {
  home: () => "/",
  matrix: () => "/matrix",
  technique: () => "/technique/T1059",
  "sub-technique": () => "/technique/T1059.001",
  tactic: () => linked("/technique/T1059", "/tactic/"),
  rule: () => linked("/technique/T1071", "/rule/"),
  rules: () => "/rules?vendor=sigma&platform=windows",
  event: () => linked("/technique/T1059", "/event/"),
  events: () => "/events",
  provider: () => linked("/events", "/provider/"),
  "log-source": () => "/log-source/process_creation",
  field: () => "/field/Image",
  indicator: () => linked("/technique/T1059", "/indicator"),
  vendor: () => "/vendor/sigma",
  search: () => "/search?q=powershell",
  "search-empty": () => "/search?q=zzzzzzzz",
  ledger: () => "/ledger",
  controls: () => "/controls",
  align: () => "/align",
  coverage: () => "/coverage",
  check: () => "/check",
  fires: () => "/fires",
  hunts: () => "/hunts",
  hunt: () => linked("/hunts", "/hunt/"),
  "rule-hits": () => linked("/hunts", "/hits/"),
  hit: async () => linked(await linked("/hunts", "/hits/"), "/hit/"),
  advice: async () => linked(await linked("/hunts", "/hits/"), "/advice/"),
  "rule-in-logs": async () => (await linked("/hunts", "/hits/")).replace("/hits/", "/rule/"),
  about: () => "/about",
  notices: () => "/about/notices",
  missing: () => "/technique/T9999",
};

for (const [kind, address] of Object.entries(kinds)) {
  test(`the ${kind} page`, async () => {
    const path = await address();
    assert.ok(path, "some page leads here");
    for (const colorScheme of ["light", "dark"]) {
      const { context, page, faults } = await watched(browser, { colorScheme });
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(path, { waitUntil: "load" });
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        await page.screenshot({ path: join(pictures, `${kind}-${width}-${colorScheme}.png`) });
        assert.ok(overflow <= 0, `${path} is ${overflow} px too wide at ${width} px`);
        const moved = await page.evaluate(() => new Promise((done) => {
          let sum = 0;
          new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; })
            .observe({ type: "layout-shift", buffered: true });
          setTimeout(() => done(sum), 50);
        }));
        assert.ok(moved <= shift, `the layout of ${path} moves by ${moved} at ${width} px`);
      }
      await page.evaluate(axe);
      const found = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), rules);
      const said = found.violations.map((rule) =>
        `${rule.id}: ${rule.help}: ${rule.nodes.slice(0, 4).map((node) => `${node.html} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
      assert.deepEqual(said, [], `${path} in ${colorScheme}`);
      assert.deepEqual(faults, [], path);
      await context.close();
    }
  });
}
