import { join } from "node:path";
import { build } from "esbuild";
import type { Browser, Page } from "puppeteer-core";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { root } from "../../tools/root.js";
import { browsersHere } from "./support/find-browsers.js";
import { launchBrowser, openPage } from "./support/launch-browser.js";
import { type PageServer, startPageServer } from "./support/page-server.js";

/** A script that makes the calls of every runtime's test when it is told an address, and tells how they went. */
async function workerScript(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import * as dynakv from "./client/src/web.ts";
        import { calls } from "./tests/runtimes/projects/calls.mjs";
        addEventListener("message", ({ data, source }) => {
          const tell = (result) => (source ?? globalThis).postMessage(result);
          calls(dynakv, data).then(tell, (error) => tell(String(error)));
        });`,
      resolveDir: root,
    },
    bundle: true,
    platform: "browser",
    write: false,
    outdir: join(root, "node_modules"),
    logLevel: "silent",
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

for (const name of browsersHere()) {
  const test = suite(`workers in ${name}`);
  let server: TestServer;
  let pages: PageServer;
  let browser: Browser;
  let page: Page;

  test.before(async () => {
    server = await startTestServer();
    pages = await startPageServer({
      "/": { type: "text/html", body: "<!doctype html><title>workers</title>" },
      "/worker.js": { type: "text/javascript", body: await workerScript() },
    });
    browser = await launchBrowser(name);
    page = await openPage(browser, pages.origin);
  });
  test.after(async () => {
    await browser.close();
    await pages.stop();
    await server.stop();
  });

  test("the web client makes all kinds of calls in a worker", async () => {
    const result = await page.evaluate(
      (address) =>
        new Promise((resolve) => {
          const worker = new Worker("/worker.js");
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => resolve(message);
          worker.postMessage(address);
        }),
      server.url,
    );
    assert.is(result, "over fetch");
  });

  test("the web client makes all kinds of calls in a service worker", async () => {
    const result = await page.evaluate(async (address) => {
      await navigator.serviceWorker.register("/worker.js");
      const { active } = await navigator.serviceWorker.ready;
      const told = new Promise((resolve) => {
        navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
      });
      active?.postMessage(address);
      return told;
    }, server.url);
    assert.is(result, "over fetch");
  });

  test.run();
}
