/**
 * Builds the console into the place from which the server loads it.
 *
 *     npm run build:console        beside the server's sources, for a clone
 *     node --import tsx console/build.ts FOLDER
 *
 * By esbuild, which a clone has anyway: its sources run by it. So the first `npm start` waits a fraction of a second.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);

/** Where a clone's server looks for it. */
export const cloneFolder = join(root, "server", "console");

/** All that goes into it, but for what npm installs. */
const sources = ["console", "client/src", "common", "gen"].map((name) => join(root, name));

/** Builds it for a clone unless what is there is newer than all sources. Those who start at the same time may both build: the last wins. */
export async function buildUnlessFresh(): Promise<void> {
  const page = join(cloneFolder, "index.html");
  if (!existsSync(page) || newestChange() > statSync(page).mtimeMs) {
    await buildConsole(cloneFolder);
  }
}

function newestChange(): number {
  let newest = statSync(join(root, "package-lock.json")).mtimeMs;
  for (const source of sources) {
    for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && !entry.parentPath.includes("node_modules")) {
        newest = Math.max(newest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
      }
    }
  }
  return newest;
}

/** Builds it beside the folder, and puts it there when it is whole. */
export async function buildConsole(folder: string): Promise<void> {
  // Loaded when there is something to build: a start that has nothing to build does not wait for it.
  const { build } = await import("esbuild");
  const made = `${folder}.${randomUUID()}`;
  await mkdir(made, { recursive: true });
  try {
    const { metafile } = await build({
      entryPoints: [join(here, "src/main.tsx"), join(here, "src/styles/main.css"), join(here, "icon.svg")],
      entryNames: "[name]-[hash]",
      assetNames: "[name]-[hash]",
      outdir: join(made, "assets"),
      loader: { ".svg": "copy" },
      tsconfig: join(here, "tsconfig.json"),
      absWorkingDir: root,
      bundle: true,
      minify: true,
      format: "esm",
      target: ["es2022", "chrome111", "firefox115", "safari16.4"],
      define: { "process.env.NODE_ENV": '"production"', "globalThis.process": "undefined" },
      legalComments: "none",
      logLevel: "warning",
      metafile: true,
    });
    const outputs = Object.keys(metafile.outputs).map((path) => basename(path));
    const named = (extension: string) => outputs.find((name) => name.endsWith(extension)) ?? "";
    const page = (await readFile(join(here, "index.html"), "utf8"))
      .replace("ICON", named(".svg"))
      .replace("STYLE", named(".css"))
      .replace("SCRIPT", named(".js"));
    await writeFile(join(made, "index.html"), page);
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder);
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    // Another process has built it meanwhile.
    if (!["ENOTEMPTY", "EEXIST"].includes(String((error as NodeJS.ErrnoException).code))) {
      throw error;
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildConsole(resolve(process.argv[2] ?? cloneFolder));
}
