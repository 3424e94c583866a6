// What fires here: events and a command line are pasted, and the answer is read. With scripts and without.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { open, pictures, watched } from "./site.mjs";

let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

const dump = "rundll32 C:\\windows\\System32\\comsvcs.dll, MiniDump 624 C:\\x.dmp full";
const event = {
  EventID: 1, SourceName: "Microsoft-Windows-Sysmon", Channel: "Microsoft-Windows-Sysmon/Operational",
  Image: "C:\\Windows\\System32\\rundll32.exe", ParentImage: "C:\\a.exe",
  CommandLine: `${dump} <img src=x onerror=alert(1)>`,
};

for (const javaScriptEnabled of [true, false]) {
  const scripts = javaScriptEnabled ? "with" : "without";
  test(`pasted events are asked about, ${scripts} scripts`, async () => {
    const { context, page, faults } = await watched(browser, { javaScriptEnabled });
    page.setDefaultTimeout(20_000);
    await page.goto("/fires");
    await page.locator("textarea[name=text]").fill(JSON.stringify(event, null, 2));
    await page.getByRole("button", { name: "Ask the rules" }).click();
    const row = page.locator("#rules-section tbody tr").first();
    await row.waitFor();
    assert.match(await page.locator("#rules-section").innerText(), /comsvcs/i);
    assert.ok(await row.locator("a[href^='/rule/']").count() > 0, "a rule that fires is a link");
    assert.equal(await page.locator("main img").count(), 0, "what an event holds is text");
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: join(pictures, `fires-answer-${width}-${scripts}.png`), fullPage: true });
      if (!javaScriptEnabled) continue;
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(overflow <= 0, `the answer is ${overflow} px too wide at ${width} px`);
    }
    assert.deepEqual(faults, []);
    await context.close();
  });
}

test("a command line is asked about on its platform, and what is inferred is marked", async () => {
  const { context, page, faults } = await watched(browser);
  page.setDefaultTimeout(20_000);
  await page.goto("/fires");
  await page.locator("textarea[name=text]").fill(dump);
  await page.locator("select[name=as]").selectOption("windows");
  await page.getByRole("button", { name: "Ask the rules" }).click();
  await page.locator("#rules-section tbody tr").first().waitFor();
  assert.match(await page.locator("main").innerText(), /inferred/);
  await page.locator("summary", { hasText: "Ask about something else" }).click();
  assert.equal(await page.locator("select[name=as]").inputValue(), "windows", "the form keeps what was asked");
  await page.locator("select[name=as]").selectOption("linux");
  await page.getByRole("button", { name: "Ask the rules" }).click();
  await page.locator("#rules-section .empty").waitFor();
  assert.match(await page.locator("#rules-section").innerText(), /No rule of the catalog fires/);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a hit is reached from its hunt, with what held marked in the query", async () => {
  const { context, page, faults } = await watched(browser);
  page.setDefaultTimeout(20_000);
  await page.goto("/hunts");
  await page.locator("#rules-section a[href^='/hits/']").first().click();
  await page.locator("a[href^='/hit/']").first().click();
  assert.ok(await page.locator("pre.query .p.held").count() > 0, "what held is marked");
  assert.ok(await page.locator("table[aria-label=Event] tr").count() > 2, "the event is there");
  await page.locator("h1 a").click();
  assert.match(await page.locator("#logs-section").innerText(), /hits? of/);
  assert.deepEqual(faults, []);
  await context.close();
});
