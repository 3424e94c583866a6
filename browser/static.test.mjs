// The static site on a plain host of files, below a path: its search finds what the server's finds and in the same order,
// its tables order in the browser, and without scripts lists lead to everything.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { host, open, pictures, site, watched } from "./site.mjs";

const base = "/atlas";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

let browser, files;
before(async () => {
  assert.ok(process.env.RULEATLAS_STATIC, "RULEATLAS_STATIC is set by crates/cli/tests/browser.rs");
  files = await host(process.env.RULEATLAS_STATIC, base);
  browser = await open();
});
after(async () => {
  await browser.close();
  files.close();
});

const visit = (options = {}) => watched(browser, { baseURL: files.origin, ...options });

test("a walk over the files: suggestions, the best hit, all hits", async () => {
  const { context, page, faults } = await visit();
  await page.goto(`${base}/`);
  await page.keyboard.press("/");
  await page.keyboard.type("T1071");
  const first = page.locator("#hits [role=option]").first();
  await first.waitFor();
  assert.match(await first.innerText(), /^T1071\s/);
  await page.keyboard.press("Enter");
  await page.waitForURL(`**${base}/technique/T1071/`);
  assert.match(await page.locator("h1").innerText(), /T1071/);

  // With the arrow keys to a suggestion.
  await page.locator(".find input").fill("process");
  await page.locator("#hits [role=option]").first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**${base}/field/**`);

  // All hits, of which a rule is opened.
  await page.locator(".find input").fill("powershell");
  await page.locator(".find .all").click();
  await page.waitForURL(`**${base}/search/?q=powershell`);
  await page.locator("#found section").first().waitFor();
  await page.evaluate(axe);
  const found = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), rules);
  assert.deepEqual(found.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html).join(" | ")}`), []);
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: join(pictures, `static-search-${width}-light.png`) });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${overflow} px too wide at ${width} px`);
  }
  await page.locator(`#found a[href^='${base}/rule/']`).first().click();
  await page.waitForURL(`**${base}/rule/**`);
  assert.ok(await page.locator("pre").count(), "the query stands on the page");
  assert.deepEqual(faults, []);
  await context.close();
});

test("hits stand in the order of the server's", async () => {
  const { context, page, faults } = await visit();
  await page.goto(`${base}/search/`);
  const name = (kind, hit) => (kind === "indicators" ? `${hit.field} ${hit.op} ${hit.value}` : hit.id);
  let compared = 0, best = 0;
  for (const text of [
    "T1071", "t1059.001", "T10", "powershell", "PowerShell", "process", "image", "command", "windows", "suspicious", "suspicious process",
    "cmd.exe", "\\powershell.exe", "/powershell.exe", "sysmon", "4624", "logon", "Sysmon 1", "user", "aws", "exe",
  ]) {
    const local = await page.evaluate((text) => globalThis.ruleatlasStatic.search(text, 200), text);
    const served = await (await fetch(`${site}/api/v1/search?limit=200&q=${encodeURIComponent(text)}`)).json();
    for (const kind of local.order) {
      const [here, there] = [local, served].map((found) => found[kind].map((hit) => name(kind, hit)));
      const both = there.filter((hit) => here.includes(hit));
      assert.deepEqual(here.slice(0, 20), both.slice(0, 20), `${text}: ${kind}`);
      compared += here.length;
    }
    // Where the best hit is not among the files, as with an event that no rule reads, another kind may be first.
    const [first] = served.order;
    const isHeld = first && local[first].some((hit) => name(first, hit) === name(first, served[first][0]));
    if (isHeld) assert.equal(local.order[0], first, `${text}: ${local.order} and ${served.order}`);
    best += isHeld ? 1 : 0;
  }
  assert.ok(compared > 100 && best > 10, `${compared} hits, ${best} of them the best`);
  // Every hit has a page.
  const found = await page.evaluate(() => globalThis.ruleatlasStatic.search("process", 20));
  for (const kind of found.order) {
    for (const hit of found[kind]) assert.equal((await fetch(files.origin + hit.address)).status, 200, hit.address);
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test("what is asked and what is found is text", async () => {
  const { context, page, faults } = await visit();
  const text = "<img src=x onerror=alert(1)>";
  await page.goto(`${base}/search/?q=${encodeURIComponent(text)}`);
  await page.locator("#found .empty").waitFor();
  assert.match(await page.locator("h1").innerText(), /<img src=x/);
  assert.equal(await page.locator("main img").count(), 0);
  await page.goto(`${base}/search/?q=${encodeURIComponent("\\")}&go=best`);
  assert.deepEqual(faults, []);
  await context.close();
});

test("tables that are whole order by their columns", async () => {
  const { context, page, faults } = await visit();
  await page.goto(`${base}/search/fields/`);
  const column = (at) => page.locator(`main tbody tr td:nth-child(${at})`).allInnerTexts();
  const before = await column(3);
  const head = page.locator("main thead th").nth(0);
  await head.locator("a").click();
  assert.equal(await head.getAttribute("aria-sort"), "ascending");
  const names = await column(1);
  assert.ok(names.length > 10 && names[0].toLowerCase() < names.at(-1).toLowerCase());
  await head.locator("a").click();
  assert.equal(await head.getAttribute("aria-sort"), "descending");
  assert.deepEqual(await column(1), names.toReversed());
  await page.locator("main thead th").nth(2).locator("a").click();
  assert.deepEqual(await column(3), before, "by rules again, the most first");
  assert.equal(await head.getAttribute("aria-sort"), null);

  // One that shows its first rows only keeps them as they are.
  await page.goto(`${base}/technique/T1059/`);
  const tables = await page.evaluate(() => [...document.querySelectorAll("main table")].map((table) => {
    const next = (table.closest(".scroll") ?? table).nextElementSibling;
    return [Boolean(next?.matches(".more")), Boolean(table.querySelector("thead a[href]"))];
  }));
  assert.ok(tables.some(([cut, sorts]) => !cut && sorts));
  assert.ok(tables.every(([cut, sorts]) => !(cut && sorts)));
  assert.deepEqual(faults, []);
  await context.close();
});

test("without scripts the page of the search leads to lists of everything", async () => {
  const { context, page, faults } = await visit({ javaScriptEnabled: false });
  await page.goto(`${base}/`);
  await page.locator(".find input").fill("powershell");
  await page.locator(".find input").press("Enter");
  await page.waitForURL(`**${base}/search/?q=powershell&go=best`);
  assert.match(await page.locator("main").innerText(), /needs JavaScript/);
  for (const list of ["/matrix", "/search/rules/sigma", "/search/fields", "/events"]) {
    await page.goto(`${base}/search/`);
    await page.locator(`main a[href='${base}${list}']`).first().click();
    await page.waitForURL(`**${base}${list}/`);
    assert.ok((await page.locator("main a[href]").count()) > 3, list);
  }
  await page.goto(`${base}/search/rules/sigma/`);
  await page.locator(`main a[href^='${base}/rule/']`).first().click();
  await page.waitForURL(`**${base}/rule/**`);
  assert.deepEqual(faults, []);
  await context.close();
});
