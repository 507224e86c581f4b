import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ToolMissing } from "../../../tools/install-once.js";
import { findBrowser } from "../../browser/support/find-browsers.js";
import { launchBrowser, openPage } from "../../browser/support/launch-browser.js";
import { startPageServer } from "../../browser/support/page-server.js";
import { run } from "../run.js";
import { installProgram, installTools, versionOf } from "../toolboxes.js";
import type { Workshop } from "../workshop.js";
import type { Case, Row } from "./case.js";

/** What is weighed: a client alone. */
const small = `
import { createClient, utf8 } from "@dynakv/client";
globalThis.createNames = (address) => createClient({ address }).keyspace("name:", utf8);
`;

/** What is run. */
const whole = `
import * as dynakv from "@dynakv/client";
import { calls } from "./calls.mjs";
globalThis.tryCalls = (address) => calls(dynakv, address);
`;

const viteConfig = (entry: string) => `
export default {
  build: { outDir: "out-${entry}", lib: { entry: "${entry}.mjs", formats: ["es"], fileName: "bundle" } },
  logLevel: "warn",
};
`;

const webpackConfig = (entry: string, folder: string) => `
import webpack from "webpack";
webpack({
  mode: "production",
  context: ${JSON.stringify(folder)},
  entry: "./${entry}.mjs",
  output: { path: ${JSON.stringify(join(folder, `out-${entry}`))}, filename: "bundle.js" },
}, (error, stats) => {
  if (error || stats.hasErrors()) {
    console.error(error ?? stats.toString());
    process.exitCode = 1;
  }
});
`;

type Command = (node: string, tools: string, entry: string) => readonly string[];

async function tryBundler(
  workshop: Workshop,
  name: "esbuild" | "vite" | "webpack",
  files: (entry: string, folder: string) => Readonly<Record<string, string>>,
  command: Command,
): Promise<Row> {
  if (findBrowser("chromium") === undefined) {
    throw new ToolMissing("bundles are tried in Chromium, which is not on this machine");
  }
  const tools = await installTools("bundlers");
  const { file: node } = await installProgram("node");
  const bundles: Record<string, string> = {};
  for (const entry of ["small", "whole"]) {
    const project = `${name}-${entry}`;
    const more = { "small.mjs": small, "whole.mjs": whole };
    const folder = await workshop.createProject(project, { more, tools });
    for (const [path, text] of Object.entries(files(entry, folder))) {
      await writeFile(join(folder, path), text);
    }
    await run(folder, command(node, tools, entry));
    const out = join(folder, `out-${entry}`);
    const [file = ""] = (await readdir(out)).filter((each) => each.startsWith("bundle"));
    bundles[entry] = await readFile(join(out, file), "utf8");
  }
  const kilobytes = (gzipSync(bundles.small ?? "").length / 1000).toFixed(0);
  const client = await runInPage(bundles.whole ?? "", workshop.address);
  return { version: versionOf("bundlers", name), client, note: `${kilobytes} KB, minified and compressed` };
}

/** Runs a bundle in a page of Chromium. */
async function runInPage(code: string, address: string): Promise<string> {
  const page = `<!doctype html><title>bundle</title><script type="module" src="/bundle.js"></script>`;
  const pages = await startPageServer({
    "/": { type: "text/html", body: page },
    "/bundle.js": { type: "text/javascript", body: code },
  });
  const browser = await launchBrowser("chromium");
  try {
    const opened = await openPage(browser, pages.origin);
    return String(await opened.evaluate(`tryCalls(${JSON.stringify(address)})`));
  } finally {
    await browser.close();
    await pages.stop();
  }
}

export const bundlers: readonly Case[] = [
  {
    name: "esbuild",
    try: (workshop) =>
      tryBundler(
        workshop,
        "esbuild",
        () => ({}),
        (node, tools, entry) => [
          node,
          join(tools, "esbuild/bin/esbuild"),
          `${entry}.mjs`,
          ...["--bundle", "--minify", "--format=esm", `--outfile=out-${entry}/bundle.js`],
        ],
      ),
  },
  {
    name: "Vite",
    try: (workshop) =>
      tryBundler(
        workshop,
        "vite",
        (entry) => ({ "vite.config.js": viteConfig(entry) }),
        (node, tools) => [node, join(tools, "vite/bin/vite.js"), "build"],
      ),
  },
  {
    name: "webpack",
    try: (workshop) =>
      tryBundler(
        workshop,
        "webpack",
        (entry, folder) => ({ "build.mjs": webpackConfig(entry, folder) }),
        (node) => [node, "build.mjs"],
      ),
  },
];
