import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { root } from "../../../tools/root.js";

/**
 * What Node runs for `dynakv`: the sources, or the program that tools/run-tests.ts has made of them, since compiling them anew
 * for each process would take longer than most tests.
 */
const { DYNAKV_TEST_CLI } = process.env;
export const cli = DYNAKV_TEST_CLI === undefined ? ["--import", "tsx", "cli/src/main.ts"] : [DYNAKV_TEST_CLI];

/** The command line in a process of its own, as an operator runs it. */
export interface SpawnedServer {
  readonly url: string;
  readonly process: ChildProcess;
  /** What it has printed so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the exit code, or with the name of the signal that ended it. */
  readonly exit: Promise<number | string>;
}

/** The environment without what the machine may have set for dynakv or AWS; nothing is asked of an instance's metadata. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(DYNAKV|AWS)_/.test(name));
  return { ...Object.fromEntries(kept), AWS_EC2_METADATA_DISABLED: "true" };
}

/** Runs `dynakv` with the arguments; does not wait for anything. */
export function spawnCli(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [...cli, ...args], {
    cwd: root,
    env: { ...cleanEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exit = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  return { process: child, stdout: () => stdout, stderr: () => stderr, exit };
}

/** Runs `dynakv serve`, on a free port unless one is given, and waits until it is ready. */
export async function spawnServer(
  args: readonly string[],
  environment?: NodeJS.ProcessEnv,
  listen = "127.0.0.1:0",
): Promise<SpawnedServer> {
  const quiet = args.includes("--log-level") ? [] : ["--log-level", "warn"];
  const spawned = spawnCli(["serve", "--listen", listen, ...quiet, ...args], environment);
  const ready = new Promise<string>((resolve) => {
    spawned.process.stdout.on("data", () => {
      const url = /https?:\/\/[^\s/]+:\d+/.exec(spawned.stdout())?.[0];
      if (url !== undefined) {
        resolve(url);
      }
    });
  });
  const url = await Promise.race([ready, spawned.exit]);
  if (typeof url !== "string" || !url.startsWith("http")) {
    throw new Error(`the server ended with ${url}: ${spawned.stderr()}`);
  }
  return { ...spawned, url };
}
