import puppeteer, { type Browser, type BrowserContext, type Page } from "puppeteer-core";
import { type BrowserName, findBrowser } from "./find-browsers.js";

export interface BrowserOptions {
  /** Names such as `evil.example` that are those of this machine's loopback address for the browser. */
  readonly loopbackNames?: readonly string[];
  /** More arguments of Chromium's; Firefox has none of them. */
  readonly chromiumArguments?: readonly string[];
  /** The colour scheme that pages see. The default is `light`. */
  readonly colorScheme?: "light" | "dark";
}

/** How long a browser may take for what it is asked, on a machine that is busy with others, in milliseconds. */
const waitMs = 120_000;

/** Starts a browser without a window, with a profile of its own. It ends with the test's process, if not before. */
export async function launchBrowser(name: BrowserName, options: BrowserOptions = {}): Promise<Browser> {
  const { loopbackNames = [], chromiumArguments = [], colorScheme = "light" } = options;
  const executablePath = findBrowser(name);
  if (executablePath === undefined) {
    throw new Error(`there is no ${name} on this machine`);
  }
  if (name === "firefox") {
    const extraPrefsFirefox = {
      "layout.css.prefers-color-scheme.content-override": colorScheme === "dark" ? 0 : 1,
      "network.dns.localDomains": loopbackNames.join(","),
    };
    return puppeteer.launch({ browser: "firefox", executablePath, extraPrefsFirefox, timeout: waitMs });
  }
  return puppeteer.launch({
    browser: "chrome",
    executablePath,
    timeout: waitMs,
    args: [
      // Its sandbox refuses to start for root, as which containers run.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      `--blink-settings=preferredColorScheme=${colorScheme === "dark" ? 0 : 1}`,
      `--host-resolver-rules=${loopbackNames.map((host) => `MAP ${host} 127.0.0.1`).join(",")}`,
      ...chromiumArguments,
    ],
  });
}

/** Opens a page in which functions given to `evaluate` run as they stand in a test. */
export async function openPage(browser: Browser | BrowserContext, url: string): Promise<Page> {
  const page = await newPatientPage(browser);
  // tsx has functions named by a helper that stands in the module, which a page does not have.
  await page.evaluateOnNewDocument("globalThis.__name = (named) => named;");
  await page.goto(url);
  return page;
}

/** A page that has its time on a machine that is busy. */
export async function newPatientPage(browser: Browser | BrowserContext): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(waitMs);
  return page;
}
