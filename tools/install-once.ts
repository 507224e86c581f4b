import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { startProgram, stopProgram } from "./programs.js";
import { root } from "./root.js";

/** A tool cannot be had on this machine; the message says what to do. */
export class ToolMissing extends Error {}

/** Runs one command of an installation, with more in its environment if need be. */
export type RunStep = (command: readonly [string, ...string[]], environment?: NodeJS.ProcessEnv) => Promise<void>;

/** Where a script keeps what it has set up, and logs; `npm ci` empties it. */
export function cacheFolderOf(script: string): string {
  return join(root, "node_modules", ".cache", script);
}

/**
 * Returns the folder of an installation, and makes it first if it is not there. It is made beside its place and moved when
 * it is whole, so that one that was broken off is never taken for it.
 */
export async function installOnce(
  cacheFolder: string,
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
    await install(unfinished, (command, environment) => runStep(command, environment, logFile, log));
    renameSync(unfinished, folder);
  } finally {
    clear();
    process.off("exit", clear);
    closeSync(logFile);
  }
  return folder;
}

/** Makes a virtual environment of Python's, and installs what pip's arguments say. */
export async function installPython(venv: string, run: RunStep, ...pipArguments: string[]): Promise<void> {
  await run(["python3", "-m", "venv", venv]).catch((error) => {
    throw withAdvice(error, "install Python 3 with its venv module (Debian: apt install python3-venv)");
  });
  await run([join(venv, "bin/python"), "-m", "pip", "install", "--quiet", ...pipArguments]);
}

export const goAdvice = "install Go, 1.26 or newer (https://go.dev/dl)";

/** Builds a program in Go from its sources, such as `example.com/module/cmd/program@v1.2.3`, into a folder. */
export async function installGo(folder: string, run: RunStep, program: string): Promise<void> {
  await run(["go", "install", program], { GOBIN: folder }).catch((error) => {
    throw withAdvice(error, goAdvice);
  });
}

/** The same error with what to do about it, if it is that a tool is missing. */
export function withAdvice(error: Error, advice: string): Error {
  return error instanceof ToolMissing ? new ToolMissing(`${error.message}: ${advice}`) : error;
}

/** How long one command may take: a registry that does not answer would hold up everything behind it. */
const stepLimitMs = 900_000;

async function runStep(
  [file, ...args]: readonly [string, ...string[]],
  environment: NodeJS.ProcessEnv | undefined,
  logFile: number,
  log: string,
): Promise<void> {
  process.stdout.write(`  $ ${[file, ...args].map((part) => part.replace(root, "")).join(" ")}\n`);
  const env = { ...process.env, ...environment };
  const step = startProgram(file, args, { cwd: root, env, stdio: ["ignore", logFile, logFile] });
  const limit = setTimeout(() => void stopProgram(step), stepLimitMs);
  const [code] = (await once(step, "close")
    .catch((error: NodeJS.ErrnoException) => {
      throw error.code === "ENOENT" ? new ToolMissing(`${file} is missing`) : error;
    })
    .finally(() => clearTimeout(limit))) as [number | null];
  if (code !== 0) {
    throw new ToolMissing(`${basename(file)} failed; its output is in ${relative(root, log)}`);
  }
}
