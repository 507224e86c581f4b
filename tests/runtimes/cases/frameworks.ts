import { join } from "node:path";
import { ToolMissing } from "../../../tools/install-once.js";
import { findBrowser } from "../../browser/support/find-browsers.js";
import { launchBrowser, openPage } from "../../browser/support/launch-browser.js";
import { run, whileServing } from "../run.js";
import { installTools, versionOf } from "../toolboxes.js";
import type { Workshop } from "../workshop.js";
import type { Case } from "./case.js";

/** Compiles an application of NestJS, and has it count over HTTP. */
async function tryNest(workshop: Workshop, box: "nest" | "nest11", type: "module" | "commonjs"): Promise<void> {
  const tools = await installTools(box, "types");
  const folder = await workshop.createProject(box, { files: "nest", tools, type });
  const config = type === "module" ? "tsconfig.json" : "tsconfig.commonjs.json";
  await run(folder, [process.execPath, join(tools, "typescript/bin/tsc"), "-p", config]);
  const environment = { DYNAKV_ADDRESS: workshop.address };
  const printed = await run(folder, [process.execPath, "dist/main.js"], { environment });
  const visits = BigInt(printed.trim());
  if (visits <= 0n || visits % 9_007_199_254_740_993n !== 0n) {
    throw new Error(`the application printed ${printed}`);
  }
}

let builtNext: Promise<{ readonly folder: string; readonly next: string }> | undefined;

/** An application with a page and two routes. It takes half a minute to build, and is built once. */
function buildNext(workshop: Workshop) {
  builtNext ??= (async () => {
    const tools = await installTools("next");
    const folder = await workshop.createProject("next", { files: "next", tools, copiesTools: true });
    const next = join(folder, "../node_modules/next/dist/bin/next");
    await run(folder, [process.execPath, next, "build"], { environment: { NEXT_TELEMETRY_DISABLED: "1" } });
    return { folder, next };
  })();
  return builtNext;
}

async function askNext(workshop: Workshop, ask: (url: string) => Promise<string>, path: string): Promise<string> {
  const { folder, next } = await buildNext(workshop);
  const command = [process.execPath, next, "start", "--port", "0", "--hostname", "127.0.0.1"];
  return whileServing(folder, command, /Local:\s+(http:\S+)/, ([, url = ""]) =>
    ask(`${url}${path}?address=${encodeURIComponent(workshop.address)}`),
  );
}

const textOf = async (url: string) => (await fetch(url)).text();

async function textOfPage(url: string): Promise<string> {
  if (findBrowser("chromium") === undefined) {
    throw new ToolMissing("the page is tried in Chromium, which is not on this machine");
  }
  const browser = await launchBrowser("chromium");
  try {
    const page = await openPage(browser, url);
    await page.waitForFunction("document.querySelector('output')?.textContent !== ''");
    return String(await page.evaluate("document.querySelector('output').textContent"));
  } finally {
    await browser.close();
  }
}

const next = (name: string, path: string, ask: (url: string) => Promise<string>): Case => ({
  name,
  async try(workshop) {
    return {
      version: versionOf("next", "next"),
      client: await askNext(workshop, ask, path),
      note: "nothing to set",
    };
  },
});

export const frameworks: readonly Case[] = [
  {
    name: "NestJS",
    async try(workshop) {
      await tryNest(workshop, "nest", "module");
      return {
        version: versionOf("nest", "@nestjs/core"),
        client: "gRPC",
        note: "`module: nodenext`; [settings](#nestjs)",
      };
    },
  },
  {
    name: "NestJS 11, CommonJS",
    async try(workshop) {
      await tryNest(workshop, "nest11", "commonjs");
      const note = "`module: commonjs` with `moduleResolution: node10`; [settings](#nestjs)";
      return { version: versionOf("nest11", "@nestjs/core"), client: "gRPC", note };
    },
  },
  next("Next.js, a route on Node", "/node", textOf),
  next("Next.js, a route in the edge runtime", "/edge", textOf),
  next("Next.js, a page in Chromium", "/", textOfPage),
];
