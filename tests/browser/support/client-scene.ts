import type { Browser, Page } from "puppeteer-core";
import { type ObservedServer, startObservedServer } from "../../../server/test/support/observed-server.js";
import { clientPage } from "./client-page.js";
import type { BrowserName } from "./find-browsers.js";
import { type BrowserOptions, launchBrowser, openPage } from "./launch-browser.js";
import { type PageServer, startPageServer } from "./page-server.js";

/** A browser with a page of the client, whose origin is another than that of the server which it calls. */
export interface ClientScene {
  readonly server: ObservedServer;
  readonly pages: PageServer;
  readonly browser: Browser;
  readonly page: Page;
  stop(): Promise<void>;
}

export async function startClientScene(name: BrowserName, options: BrowserOptions = {}): Promise<ClientScene> {
  const server = await startObservedServer({ accessLog: "all" });
  const pages = await startPageServer(await clientPage());
  const browser = await launchBrowser(name, options);
  return {
    server,
    pages,
    browser,
    page: await openPage(browser, pages.origin),
    async stop() {
      await browser.close();
      await pages.stop();
      await server.stop();
    },
  };
}
