// What the tests share: the browser, the site's address, and pages that watch what they must not do.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

/** The site under test, `http://127.0.0.1:PORT`, and the folder for pictures. */
export const site = process.env.RULEATLAS_SITE;
export const pictures = process.env.RULEATLAS_PICTURES;
assert.ok(site && pictures, "RULEATLAS_SITE and RULEATLAS_PICTURES are set by crates/cli/tests/browser.rs");
mkdirSync(pictures, { recursive: true });

/** The browser of the system; it asks nobody for anything. */
export const open = () =>
  chromium.launch({
    executablePath: process.env.RULEATLAS_CHROMIUM,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });

/** A page that remembers requests to other hosts, errors, and what the content policy refused. */
export async function watched(browser, options = {}) {
  const context = await browser.newContext({ baseURL: site, viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(site)) faults.push(`asks another host: ${request.url()}`);
  });
  page.on("pageerror", (error) => faults.push(`script fails: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 404/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  return { context, page, faults };
}
