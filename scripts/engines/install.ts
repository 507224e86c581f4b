import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { startProgram } from "../programs.js";
import { root } from "../run-uvu.js";

/** Where engines and their logs lie; `npm ci` empties it. */
export const cacheFolder = join(root, "node_modules", ".cache", "dynakv-engines");

/** An engine cannot be had on this machine; the message says what to do. */
export class EngineMissing extends Error {}

/** Runs one command of an installation. */
export type RunStep = (file: string, ...args: string[]) => Promise<void>;

/**
 * Returns the folder of an installation, and makes it first if it is not there. It is made beside its place and moved when
 * it is whole, so that one that was broken off is never taken for it.
 */
export async function installOnce(
  name: string,
  install: (folder: string, run: RunStep) => Promise<void>,
): Promise<string> {
  const folder = join(cacheFolder, name);
  if (existsSync(folder)) {
    return folder;
  }
  mkdirSync(cacheFolder, { recursive: true });
  const unfinished = `${folder}.unfinished-${process.pid}`;
  const log = join(cacheFolder, `${name}-setup.log`);
  const logFile = openSync(log, "w");
  const clear = () => rmSync(unfinished, { recursive: true, force: true, maxRetries: 5 });
  process.on("exit", clear);
  process.stdout.write(`setting up ${name}, once, in ${relative(root, folder)}\n`);
  try {
    await install(unfinished, (file, ...args) => runStep(file, args, logFile, log));
    renameSync(unfinished, folder);
  } finally {
    clear();
    process.off("exit", clear);
    closeSync(logFile);
  }
  return folder;
}

async function runStep(file: string, args: readonly string[], logFile: number, log: string): Promise<void> {
  process.stdout.write(`  $ ${[file, ...args].map((part) => part.replace(root, "")).join(" ")}\n`);
  const step = startProgram(file, args, { cwd: root, stdio: ["ignore", logFile, logFile] });
  const [code] = (await once(step, "close").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new EngineMissing(`${file} is missing`) : error;
  })) as [number | null];
  if (code !== 0) {
    throw new EngineMissing(`${basename(file)} failed; its output is in ${relative(root, log)}`);
  }
}
