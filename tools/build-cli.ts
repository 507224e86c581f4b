import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { root } from "./root.js";

/** What does not go into the program, but is loaded from node_modules when it is needed. */
export type External = { readonly packages: "external" } | { readonly external: string[] };

/** Makes one program of the command line's sources, a module for each command. Returns what Node runs. */
export async function buildCli(folder: string, external: External): Promise<string> {
  await build({
    entryPoints: [join(root, "cli/src/main.ts")],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    logLevel: "silent",
    ...external,
  });
  return join(folder, "main.mjs");
}

/** What only a server needs: a command that loads any of it fails in a program that was made by {@link buildCommandsCli}. */
const external = ["@aws-sdk/*", "@smithy/*", "dynalite", "level", "pino", "pino-pretty", "undici"];

/** Makes one program of the commands, which has nothing beside it, in a folder of its own. */
export function buildCommandsCli(): Promise<string> {
  return buildCli(mkdtempSync(join(tmpdir(), "dynakv-cli-")), { external });
}

/**
 * Makes both programs that tests start, once for all files: `server/test/support/spawn-server.ts` and
 * `cli/test/support/run-cli.ts` find them in the environment. They go with this process.
 */
export async function provideCli(): Promise<void> {
  // Below the root, so that it finds the packages there.
  const folder = mkdtempSync(join(root, "node_modules/.dynakv-cli-"));
  const commands = await buildCommandsCli();
  process.once("exit", () => {
    rmSync(folder, { recursive: true });
    rmSync(dirname(commands), { recursive: true });
  });
  process.env.DYNAKV_TEST_CLI = await buildCli(folder, { packages: "external" });
  process.env.DYNAKV_TEST_COMMANDS = commands;
}
