import type { Browser, Page } from "puppeteer-core";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { clientPage } from "./support/client-page.js";
import { browsersHere } from "./support/find-browsers.js";
import { launchBrowser, openPage } from "./support/launch-browser.js";
import { type PageServer, startPageServer } from "./support/page-server.js";

for (const name of browsersHere()) {
  const test = suite(`the web client in ${name}`);
  let server: TestServer;
  let pages: PageServer;
  let browser: Browser;
  let page: Page;

  test.before(async () => {
    server = await startTestServer();
    pages = await startPageServer(await clientPage());
    browser = await launchBrowser(name);
    page = await openPage(browser, pages.origin);
  });

  test.after(async () => {
    await browser.close();
    await pages.stop();
    await server.stop();
  });

  for (const protocol of ["connect", "grpc-web"] as const) {
    const options = () => ({ address: server.url, protocol });

    test(`a page of another origin sets, gets and counts past 2^53 by ${protocol}`, async () => {
      const answers = await page.evaluate(async (options) => {
        const client = dynakv.createClient(options);
        const names = client.keyspace(`${options.protocol}:`, dynakv.utf8);
        const before = await names.get("ada");
        const { etag } = await names.set("ada", "Ada");
        const entry = await names.get("ada");
        await client.incr(`${options.protocol}:visits`, { delta: 9_007_199_254_740_992n });
        const visits = await client.incr(`${options.protocol}:visits`);
        return {
          isMissing: before === undefined,
          value: entry?.value,
          isSame: entry?.etag === etag,
          visits: visits.toString(),
        };
      }, options());
      assert.equal(answers, { isMissing: true, value: "Ada", isSame: true, visits: "9007199254740993" });
    });
  }

  test.run();
}
