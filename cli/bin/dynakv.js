#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const sources = new URL("../src/main.ts", import.meta.url);

// In a clone the sources run as they are, so that the command works right after `npm ci`; the published package has no sources.
if (existsSync(sources)) {
  const { register } = await import("tsx/esm/api");
  register({ tsconfig: fileURLToPath(new URL("../../tsconfig.json", import.meta.url)) });
  if (process.argv[2] === "serve") {
    await prepareConsole();
  }
  await import(sources.href);
} else {
  await import("../dist/cli/src/main.js");
}

// The published server has its console built in. In a clone it is built when it is missing, or older than its sources.
async function prepareConsole() {
  try {
    const { buildUnlessFresh } = await import(new URL("../../console/build.ts", import.meta.url).href);
    await buildUnlessFresh();
  } catch (error) {
    process.stderr.write(`dynakv: the console could not be built, and is left out: ${error.message}\n`);
  }
}
