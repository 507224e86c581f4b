import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
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

/** Makes the program that tests start, which `server/test/support/spawn-server.ts` finds in the environment; it goes with this process. */
export async function provideCli(): Promise<void> {
  // Below the root, so that it finds the packages there.
  const folder = mkdtempSync(join(root, "node_modules/.dynakv-cli-"));
  process.once("exit", () => rmSync(folder, { recursive: true }));
  process.env.DYNAKV_TEST_CLI = await buildCli(folder, { packages: "external" });
}
