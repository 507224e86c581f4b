import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../../tools/root.js";
import { run } from "../run.js";
import { installTools, type Toolbox, versionOf } from "../toolboxes.js";
import type { ProjectOptions, Workshop } from "../workshop.js";
import type { Case } from "./case.js";

/** Runs the tests of a project, of which one passes. */
async function tryTests(
  workshop: Workshop,
  files: string,
  boxes: readonly Toolbox[],
  options: ProjectOptions,
  command: (tools: string) => readonly string[],
): Promise<void> {
  const tools = await installTools(...boxes);
  const folder = await workshop.createProject(files, { files, tools, ...options });
  const environment = { DYNAKV_ADDRESS: workshop.address };
  // On a machine that is busy with others as well.
  const patience = "--testTimeout=240000";
  const printed = await run(folder, [process.execPath, ...command(tools), patience], { environment });
  if (!/1 passed/.test(printed)) {
    throw new Error(`no test has passed:\n${printed}`);
  }
}

const jest = (tools: string) => join(tools, "jest/bin/jest.js");

export const testRunners: readonly Case[] = [
  {
    name: "Jest, CommonJS",
    async try(workshop) {
      await tryTests(workshop, "jest", ["runners", "types"], { type: "commonjs" }, (tools) => [jest(tools)]);
      return { version: versionOf("runners", "jest"), client: "gRPC", note: "[settings](#jest)" };
    },
  },
  {
    name: "Jest, ECMAScript modules",
    async try(workshop) {
      const flags = ["--experimental-vm-modules"];
      // What is to be compiled is nothing.
      const config = ["--transform", "{}"];
      await tryTests(workshop, "jest-esm", ["runners", "types"], {}, (tools) => [...flags, jest(tools), ...config]);
      return { version: versionOf("runners", "jest"), client: "gRPC", note: "[settings](#jest)" };
    },
  },
  {
    name: "ts-jest, CommonJS",
    async try(workshop) {
      // A CommonJS project has no use for the extension of modules, which ts-jest leaves as it is.
      const more = { "calls.js": await readFile(join(root, "tests/runtimes/projects/calls.mjs"), "utf8") };
      await tryTests(workshop, "ts-jest", ["runners", "types"], { type: "commonjs", more }, (tools) => [jest(tools)]);
      return { version: versionOf("runners", "ts-jest"), client: "gRPC", note: "[settings](#ts-jest)" };
    },
  },
  {
    name: "Vitest",
    async try(workshop) {
      const vitest = (tools: string) => [join(tools, "vitest/vitest.mjs"), "run"];
      await tryTests(workshop, "vitest", ["runners", "types"], {}, vitest);
      return { version: versionOf("runners", "vitest"), client: "gRPC", note: "nothing to set" };
    },
  },
];
