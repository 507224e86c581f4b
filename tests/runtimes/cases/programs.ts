import { satisfies } from "semver";
import { ToolMissing } from "../../../tools/install-once.js";
import { run } from "../run.js";
import { installProgram } from "../toolboxes.js";
import type { Workshop } from "../workshop.js";
import type { Case, Row } from "./case.js";

const imported = `
import * as dynakv from "@dynakv/client";
import { calls } from "./calls.mjs";
console.log(await calls(dynakv, process.argv[2]));
`;

const required = `
const dynakv = require("@dynakv/client");
const { createCelery } = require("@dynakv/client/celery");
const web = require("@dynakv/client/web");
const { calls } = require("./calls.mjs");
(async () => {
  const kind = await calls(dynakv, process.argv[2]);
  if (await calls(web, process.argv[2]) !== "over fetch" || typeof createCelery !== "function") {
    throw new Error("another entry");
  }
  console.log(kind);
})();
`;

/** Runs a program in a project; it prints which client it was, and nothing else. */
async function tryProgram(workshop: Workshop, name: string, source: string, ...command: string[]): Promise<string> {
  const isCommonJs = source === required;
  const file = isCommonJs ? "main.cjs" : "main.mjs";
  const folder = await workshop.createProject(name, { more: { [file]: source } });
  return (await run(folder, [...command, file, workshop.address])).trim();
}

async function tryRequire(workshop: Workshop, node: string, version: string): Promise<Row> {
  if (!satisfies(version, "^20.19.0 || >=22.12.0")) {
    throw new ToolMissing(`Node ${version} cannot require ECMAScript modules; 20.19 and 22.12 can`);
  }
  const client = await tryProgram(workshop, `require-${version}`, required, node);
  return { version, client, note: "without a warning" };
}

export const programs: readonly Case[] = [
  {
    name: "Node, `import`",
    async try(workshop) {
      const client = await tryProgram(workshop, "import", imported, process.execPath);
      return { version: process.versions.node, client };
    },
  },
  { name: "Node, `require()`", try: (workshop) => tryRequire(workshop, process.execPath, process.versions.node) },
  {
    name: "Node 24, `require()`",
    async try(workshop) {
      const { file, version } = await installProgram("node");
      return tryRequire(workshop, file, version);
    },
  },
  {
    name: "Bun",
    async try(workshop) {
      const { file, version } = await installProgram("bun");
      return { version, client: await tryProgram(workshop, "bun", imported, file) };
    },
  },
  {
    name: "Deno",
    async try(workshop) {
      const { file, version } = await installProgram("deno");
      const source = imported.replace("process.argv[2]", "Deno.args[0]");
      // Nothing but the network is asked for.
      const client = await tryProgram(workshop, "deno", source, file, "run", "--no-prompt", "--allow-net");
      return { version, client, note: "with `--allow-net` alone" };
    },
  },
];
