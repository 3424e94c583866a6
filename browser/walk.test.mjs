// A newcomer's walk: home, search, technique, a value's rules, a rule, a similar rule, an event, a filter, a download.
// With scripts and without: everything is reached either way.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { open, pictures, watched } from "./site.mjs";

let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

for (const javaScriptEnabled of [true, false]) {
  test(`a newcomer's walk ${javaScriptEnabled ? "with" : "without"} scripts`, async () => {
    const { context, page, faults } = await watched(browser, { javaScriptEnabled, acceptDownloads: true });
    page.setDefaultTimeout(10_000);
    const heading = () => page.locator("h1").innerText();

    await page.goto("/");
    assert.ok((await page.locator("main").innerText()).length > 200, "the home page says what is here");
    if (javaScriptEnabled) {
      await page.keyboard.press("/");
      assert.equal(await page.evaluate(() => document.activeElement.name), "q", "`/` goes to the search box");
    }
    await page.locator(".find input").fill("T1071");
    await page.locator(".find input").press("Enter");
    await page.waitForURL(/technique\/T1071|search/);
    if (page.url().includes("/search")) await page.locator("main a[href='/technique/T1071']").first().click();
    assert.match(await heading(), /T1071/);

    // A value opens to its rules.
    const value = page.locator("#indicators-section tbody details").first();
    await value.locator("summary").click();
    assert.ok(await value.evaluate((details) => details.open), "a value opens");
    const behind = value.locator("a[href^='/rule/'], a[href^='/rules'], a[href^='/indicator']").first();
    await behind.waitFor();

    // A filter is part of the address, and counts follow it.
    const all = Number((await page.locator(".sum b").first().innerText()).replaceAll(/\D/g, ""));
    await page.goto("/technique/T1071?vendor=sigma");
    const some = Number((await page.locator(".sum b").first().innerText()).replaceAll(/\D/g, ""));
    assert.ok(some > 0 && some < all, `${some} of ${all} rules are left`);
    const menu = page.locator("form.filters details.menu").first();
    await menu.locator("summary").click();
    await menu.locator("input[value='elastic']").check();
    await page.locator("form.filters button[type=submit]").first().click();
    await page.waitForURL(/vendor=elastic/);
    const more = Number((await page.locator(".sum b").first().innerText()).replaceAll(/\D/g, ""));
    assert.ok(more > some, `${more} rules of two vendors, ${some} of one`);

    // A rule, and one like it.
    await page.goto("/technique/T1071");
    await page.locator("main a[href^='/rule/']:visible").last().click();
    await page.waitForURL(/\/rule\//);
    const first = page.url();
    assert.ok(await page.locator("pre").count(), "the query stands on the page");
    const similar = page.locator("#similar a[href^='/rule/']").first();
    if (await similar.count()) {
      await similar.click();
      await page.waitForURL((url) => url.href !== first);
    }

    // An event.
    await page.goto("/technique/T1071");
    await page.locator("#events-section").locator("a[href^='/event/']").first().click();
    await page.waitForURL(/\/event\//);
    assert.ok((await heading()).length > 3);

    // A download.
    await page.goto("/technique/T1071");
    const link = page.locator("a[download][href*='csv']").first();
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    const rows = (await readFile(await download.path(), "utf8")).trim().split("\n");
    assert.ok(rows.length > 1 && rows[0].includes(","), `a table of ${rows.length} lines`);

    assert.deepEqual(faults, []);
    await context.close();
  });
}

test("an address that is not there offers near ones", async () => {
  const { context, page } = await watched(browser);
  const answer = await page.goto("/technique/T1071.0");
  assert.equal(answer.status(), 404);
  assert.ok(await page.locator("main a[href^='/technique/T1071']").count());
  await context.close();
});

const draft = `title: Draft
logsource:
  product: windows
  category: process_creation
tags: [attack.t1059.1]
detection:
  selection:
    Image|endswith: '\\cmd.exe'
    CommandLine|contains: [whoami, 'whoami /all']
  filter:
    ParentImage|endswith: '\\updater.exe'
  condition: selection and not filter
`;

for (const width of [360, 1280]) {
  test(`a draft is checked at ${width} px`, async () => {
    const { context, page, faults } = await watched(browser, { viewport: { width, height: 900 } });
    page.setDefaultTimeout(10_000);
    await page.goto("/check");
    const main = await page.locator("main").boundingBox();
    const area = await page.locator("form.draft textarea").boundingBox();
    const button = await page.locator("form.draft button").boundingBox();
    assert.ok(area.width > main.width * 0.8, `the text has ${area.width} of ${main.width} px`);
    assert.ok(button.y >= area.y + area.height, "the button stands below the text");
    await page.locator("form.draft textarea").fill(draft);
    await page.locator("form.draft button").click();
    await page.locator(".findings").waitFor();
    const text = await page.locator("main").innerText();
    for (const code of ["RA0106", "RA0208", "RA0502"]) assert.ok(text.includes(code), `${code} in ${text}`);
    const findings = await page.locator("section[aria-label=Findings]").boundingBox();
    const query = await page.locator("section[aria-label=Draft]").boundingBox();
    if (width > 1000) {
      assert.ok(query.x >= findings.x + findings.width && query.y === findings.y, "the draft stands next to the findings");
    } else {
      assert.ok(query.y >= findings.y + findings.height, "the draft stands below the findings");
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await page.screenshot({ path: join(pictures, `checked-${width}-light.png`) });
    assert.ok(overflow <= 0, `the page is ${overflow} px too wide`);
    assert.deepEqual(faults, []);
    await context.close();
  });
}
