import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { toolsFolder } from "./cache.js";
import { startProgram, stopProgram } from "./programs.js";
import { root } from "./root.js";

/** A tool cannot be had on this machine; the message says what to do. */
export class ToolMissing extends Error {}

/** What is installed. A change to any of it installs anew, beside the old installation. */
export interface Tool {
  readonly name: string;
  readonly version: string;
  /** What else the installation is made of, such as a list of packages with their versions. */
  readonly pins?: readonly string[];
}

/** Runs one command of an installation, with more in its environment if need be. */
export type RunStep = (command: readonly [string, ...string[]], environment?: NodeJS.ProcessEnv) => Promise<void>;

/**
 * Returns the folder of a tool, and installs it first if it is not there. It is made beside its place and moved when it is
 * whole, so that one that was broken off is never taken for it, and several scripts may install the same tool at once: one
 * of them moves its own into place, and all use that one.
 */
export async function installOnce(
  tool: Tool,
  install: (folder: string, run: RunStep) => Promise<void>,
): Promise<string> {
  const folder = join(toolsFolder(), keyOf(tool));
  if (existsSync(folder)) {
    return folder;
  }
  mkdirSync(toolsFolder(), { recursive: true });
  const workshop = mkdtempSync(`${folder}.unfinished-`);
  const clear = () => rmSync(workshop, { recursive: true, force: true, maxRetries: 5 });
  process.on("exit", clear);
  const log = join(workshop, "log");
  const logOfFailure = `${folder}.log`;
  const logFile = openSync(log, "w");
  process.stdout.write(`setting up ${tool.name} ${tool.version}, once, in ${folder}\n`);
  try {
    const unfinished = join(workshop, "tool");
    try {
      await install(unfinished, (command, environment) => runStep(command, environment, logFile, logOfFailure));
    } finally {
      closeSync(logFile);
    }
    moveIntoPlace(unfinished, folder);
  } catch (error) {
    renameSync(log, logOfFailure);
    throw error;
  } finally {
    clear();
    process.off("exit", clear);
  }
  return folder;
}

/** Names a tool's folder by all that it depends on, so that an installation never changes once it is there. */
function keyOf({ name, version, pins = [] }: Tool): string {
  const digest = createHash("sha256").update(JSON.stringify(pins)).digest("hex").slice(0, 8);
  return [name, version, ...(pins.length === 0 ? [] : [digest]), process.platform, process.arch].join("-");
}

function moveIntoPlace(unfinished: string, folder: string): void {
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    // Another script has been faster: what it has made is the same.
    if (!existsSync(folder)) {
      throw error;
    }
  }
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
  logOfFailure: string,
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
    throw new ToolMissing(`${basename(file)} failed; its output is in ${logOfFailure}`);
  }
}
