import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { cleanEnvironment } from "../../../server/test/support/spawn-server.js";
import { buildCommandsCli } from "../../../tools/build-cli.js";
import { root } from "../../../tools/root.js";

/** How a command of the command line ended. */
export interface CliResult {
  /** The exit code, or the name of the signal that ended it. */
  readonly code: number | string;
  readonly stdout: string;
  /** What stdout brought, byte for byte. */
  readonly bytes: Buffer;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** What stdin brings. The default is nothing. */
  readonly input?: string | Uint8Array;
  /** Which of the streams are to seem a terminal. */
  readonly terminal?: readonly ("stdin" | "stdout" | "stderr")[];
  /** A line of shell that runs the command, as `"$@"`. */
  readonly shell?: string;
  /** Whether stdin stays open after the input. */
  readonly keepsStdin?: boolean;
}

/** The command line in one program of its own, which has nothing beside it. */
export interface CommandsCli {
  /** What Node runs. */
  readonly main: string;
  /** Starts `dynakv` with the arguments in a process of its own, as a person does. */
  start(args: readonly string[], options?: CliOptions): StartedCli;
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  remove(): Promise<void>;
}

export interface StartedCli {
  readonly process: ChildProcess;
  readonly ended: Promise<CliResult>;
}

/** The program that tools/run-tests.ts has made for all files, or one that is made for this one. */
export async function buildCommands(): Promise<CommandsCli> {
  const { DYNAKV_TEST_COMMANDS: made } = process.env;
  const main = made ?? (await buildCommandsCli());
  const start = (args: readonly string[], options?: CliOptions) => startCli(main, args, options);
  return {
    main,
    start,
    run: (args, options) => start(args, options).ended,
    async remove() {
      if (made === undefined) {
        await rm(dirname(main), { recursive: true, force: true });
      }
    },
  };
}

function startCli(
  main: string,
  args: readonly string[],
  { env = {}, input = "", terminal = [], shell = 'exec "$@"', keepsStdin = false }: CliOptions = {},
): StartedCli {
  const pretence = terminal.map((name) => `process.${name}.isTTY=true;`).join("");
  const command = [process.execPath, "--import", `data:text/javascript,${pretence}`, main, ...args];
  const child = spawn("/bin/sh", ["-c", shell, "sh", ...command], {
    cwd: root,
    env: { ...cleanEnvironment(), ...env },
  });
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // A command that does not read it may have ended before.
  child.stdin.on("error", () => {});
  child.stdin.write(input);
  if (!keepsStdin) {
    child.stdin.end();
  }
  const ended = once(child, "close").then(([code, signal]: unknown[]): CliResult => {
    const bytes = Buffer.concat(stdout);
    return { code: (code ?? signal) as number | string, bytes, stdout: bytes.toString(), stderr };
  });
  return { process: child, ended };
}
