// What the tests share: the browser, the site's address, and pages that watch what they must not do.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
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
  const own = options.baseURL ?? site;
  const context = await browser.newContext({ baseURL: site, viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(own)) faults.push(`asks another host: ${request.url()}`);
  });
  page.on("pageerror", (error) => faults.push(`script fails: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 404/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  return { context, page, faults };
}

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json" };

/** A host of files that knows nothing of this program: a folder below a path, without headers of ours. */
export async function host(folder, base) {
  const server = createServer(async (request, response) => {
    const { pathname, search } = new URL(request.url, "http://localhost");
    let path = normalize(decodeURIComponent(pathname));
    if (!path.startsWith(`${base}/`)) return response.writeHead(404).end();
    path = join(folder, path.slice(base.length));
    try {
      if ((await stat(path)).isDirectory()) {
        if (!pathname.endsWith("/")) return response.writeHead(301, { location: `${pathname}/${search}` }).end();
        path = join(path, "index.html");
      }
      const bytes = await readFile(path);
      response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream" }).end(bytes);
    } catch {
      const page = await readFile(join(folder, "404.html"));
      response.writeHead(404, { "content-type": types[".html"] }).end(page);
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
