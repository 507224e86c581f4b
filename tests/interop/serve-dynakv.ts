import { once } from "node:events";
import { createInterface } from "node:readline";
import { startProgram, stopProgram } from "../../tools/programs.js";
import { root } from "../../tools/root.js";
import { environmentWithoutBackend } from "../engines/engines.js";

/** A server from the sources, in a process of its own. */
export interface ServedDynakv {
  readonly url: string;
  /** The same as a host and a port. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Runs `dynakv serve` on a free port before the backend, and waits until it listens. */
export async function serveDynakv(backend: string, settings: NodeJS.ProcessEnv = {}): Promise<ServedDynakv> {
  const command = ["--import", "tsx", "cli/src/main.ts", "serve", "--listen", "127.0.0.1:0"];
  const program = startProgram(process.execPath, command, {
    cwd: root,
    env: { ...environmentWithoutBackend(), DYNAKV_BACKEND: backend, DYNAKV_LOG_LEVEL: "warn", ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (program.stdout === null || program.stderr === null) {
    throw new Error("a program without pipes");
  }
  let printed = "";
  program.stderr.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const lines = createInterface({ input: program.stdout });
  const listening = new Promise<string>((resolve) => {
    lines.on("line", (line) => {
      const address = / listening on http:\/\/(\S+)/.exec(line)?.[1];
      if (address === undefined) {
        printed += `${line}\n`;
      } else {
        resolve(address);
      }
    });
  });
  const ended = once(program, "close").then(([code]) => {
    throw new Error(`dynakv ended with ${code}: ${printed}`);
  });
  ended.catch(() => {});
  const address = await Promise.race([listening, ended]);
  return { url: `http://${address}`, address, stop: () => stopProgram(program) };
}
