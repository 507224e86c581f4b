import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createClient, type DynakvClient } from "@dynakv/client";
import { createServer, type Server, type ServerOptions } from "@dynakv/server";
import type { Browser, ElementHandle, Page } from "puppeteer-core";
import { buildUnlessFresh } from "../../../console/build.js";
import type { BrowserName } from "./find-browsers.js";
import { type BrowserOptions, launchBrowser, newPatientPage } from "./launch-browser.js";

/** A server with a console, and a browser that looks at it. */
export interface ConsoleScene {
  readonly url: string;
  /** Another client of the same server. */
  readonly client: DynakvClient;
  readonly browser: Browser;
  /** Opens the console at a place such as `#/keys?key=a`, in a page of its own. */
  open(hash?: string, options?: OpenOptions): Promise<ConsolePage>;
  /** Another server, which is stopped with the scene. */
  serve(options: ServerOptions): Promise<{ readonly url: string; readonly server: Server }>;
  stop(): Promise<void>;
}

export interface OpenOptions {
  readonly url?: string;
  readonly width?: number;
  readonly height?: number;
  readonly isDark?: boolean;
  /** Runs in the page before anything else does. */
  readonly script?: string;
}

export interface ConsolePage {
  readonly page: Page;
  /** The URLs that it has asked for. */
  readonly requested: readonly string[];
  /** Waits until an element that a selector of CSS finds holds the text. */
  waitFor(selector: string, text: string | RegExp): Promise<void>;
  /** Waits until there is none any more. */
  waitForNone(selector: string): Promise<void>;
  /** The text of the first element that is found; undefined if there is none. */
  text(selector: string): Promise<string | undefined>;
  texts(selector: string): Promise<string[]>;
  click(selector: string, text?: string): Promise<void>;
  /** Replaces what a field holds. */
  fill(selector: string, text: string): Promise<void>;
  press(...keys: string[]): Promise<void>;
  /** What axe finds wrong, by the rules of WCAG 2.2 AA and its own advice. */
  findBarriers(): Promise<string[]>;
  /** What the Content-Security-Policy has kept from happening, and scripts that have failed. */
  problems(): Promise<string[]>;
  close(): Promise<void>;
}

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export async function startConsoleScene(
  name: BrowserName,
  options: ServerOptions = {},
  browserOptions: BrowserOptions = {},
): Promise<ConsoleScene> {
  await buildUnlessFresh();
  const servers: Server[] = [];
  const serve = async (more: ServerOptions) => {
    const server = createServer({
      listen: "127.0.0.1:0",
      data: "memory",
      logLevel: "silent",
      overload: "off",
      console: "on",
      ...more,
    });
    const { url } = await server.start();
    servers.push(server);
    return { url, server };
  };
  const { url } = await serve(options);
  const client = createClient({ address: url });
  const browser = await launchBrowser(name, browserOptions);
  return {
    url,
    client,
    browser,
    open: (hash = "", options = {}) => openConsole(browser, options.url ?? url, hash, options),
    serve,
    async stop() {
      await browser.close();
      client.close();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

const watchScript = `
  globalThis.__name = (named) => named;
  globalThis.consoleProblems = [];
  addEventListener("securitypolicyviolation", (event) => consoleProblems.push("CSP: " + event.violatedDirective + " " + event.blockedURI));
  addEventListener("error", (event) => consoleProblems.push("error: " + event.message));
  addEventListener("unhandledrejection", (event) => consoleProblems.push("rejection: " + event.reason));
`;

async function openConsole(browser: Browser, url: string, hash: string, options: OpenOptions): Promise<ConsolePage> {
  const { width = 1280, height = 800, isDark = false, script = "" } = options;
  const page = await newPatientPage(browser);
  const requested: string[] = [];
  page.on("request", (request) => requested.push(request.url()));
  await page.setViewport({ width, height });
  await page.evaluateOnNewDocument(`${watchScript}${script}`);
  await page.goto(`${url}/console${hash}`);
  if (isDark) {
    await page.evaluate(() => {
      document.documentElement.dataset.theme = "dark";
    });
  }
  const find = async (selector: string, text: string | RegExp) => {
    const pattern = typeof text === "string" ? undefined : [text.source, text.flags];
    const wanted = typeof text === "string" ? text : "";
    await page.waitForFunction(
      (selector, wanted, pattern) =>
        [...document.querySelectorAll<HTMLElement>(selector)].some((element) => {
          const shown = element.innerText || element.textContent || "";
          return pattern === undefined ? shown.includes(wanted) : new RegExp(pattern[0] ?? "", pattern[1]).test(shown);
        }),
      { polling: 50 },
      selector,
      wanted,
      pattern,
    );
  };
  return {
    page,
    requested,
    async waitFor(selector, text) {
      try {
        await find(selector, text);
      } catch (cause) {
        const shown = await page.evaluate((selector) => {
          const found = [...document.querySelectorAll<HTMLElement>(selector)].map(({ innerText }) => innerText);
          return found.length > 0 ? found.join(" | ") : document.body.innerText;
        }, selector);
        throw new Error(`${selector} does not hold ${text}, but: ${shown.slice(0, 600)}`, { cause });
      }
    },
    async waitForNone(selector) {
      await page.waitForFunction((selector) => document.querySelector(selector) === null, {}, selector);
    },
    text: (selector) => page.evaluate((selector) => document.querySelector<HTMLElement>(selector)?.innerText, selector),
    texts: (selector) =>
      page.evaluate(
        (selector) => [...document.querySelectorAll<HTMLElement>(selector)].map(({ innerText }) => innerText.trim()),
        selector,
      ),
    async click(selector, text = "") {
      await find(selector, text);
      const handle = await page.evaluateHandle(
        (selector, text) =>
          [...document.querySelectorAll<HTMLElement>(selector)].find((element) =>
            (element.innerText || element.textContent || "").includes(text),
          ),
        selector,
        text,
      );
      await (handle.asElement() as ElementHandle<Element> | null)?.click();
    },
    async fill(selector, text) {
      await page.waitForSelector(selector);
      await page.focus(selector);
      await page.$eval(selector, (field) => (field as HTMLInputElement).select());
      await page.keyboard.press("Backspace");
      await page.keyboard.type(text);
    },
    async press(...keys) {
      for (const key of keys) {
        await page.keyboard.press(key as "Enter");
      }
    },
    async findBarriers() {
      await page.evaluate(await readFile(axePath, "utf8"));
      return page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: {
            run(options: object): Promise<{
              violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[];
            }>;
          };
        };
        const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
        const { violations } = await axe.run({ runOnly: { type: "tag", values: tags } });
        return violations.flatMap(({ id, nodes }) =>
          nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
        );
      });
    },
    problems: () => page.evaluate(() => (globalThis as unknown as { consoleProblems: string[] }).consoleProblems),
    close: () => page.close(),
  };
}
