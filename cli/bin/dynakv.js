#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const sources = new URL("../src/main.ts", import.meta.url);

// In a clone the sources run as they are, so that the command works right after `npm ci`; the published package has no sources.
if (existsSync(sources)) {
  const { register } = await import("tsx/esm/api");
  register({ tsconfig: fileURLToPath(new URL("../../tsconfig.json", import.meta.url)) });
  await import(sources.href);
} else {
  await import("../dist/cli/src/main.js");
}
