import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { cleanEnvironment, startProcess } from "../tools/process-monitor/monitored-process.js";
import { startProgram, stopProgram } from "../tools/programs.js";
import { root } from "../tools/root.js";
import { median } from "../tools/statistics.js";
import type { EngineAddress } from "./load.js";
import { serverArguments } from "./stack.js";

export interface StartUp {
  /** Until calls are taken, from `npm start` on, with the embedded engine. */
  readonly npmStartMs: number;
  /** The same of the server as it is published, with an outside backend. */
  readonly builtMs: number;
  /** What that server holds when nobody calls; NaN where there is no /proc to tell. */
  readonly idleBytes: number;
}

/** How long a server is left alone before its memory is read. */
const idleMs = 2000;
const starts = 5;

/** Builds the packages that the command line is published as, and starts servers one after another. */
export async function measureStartUp(): Promise<StartUp> {
  execFileSync("npm", ["run", "--silent", "build", "-w", "client", "-w", "server", "-w", "cli"], {
    cwd: root,
    stdio: "inherit",
  });
  const engine = startProcess("bench/processes/endpoint.ts");
  try {
    const outside = serverArguments(await engine.ask<EngineAddress>("start"));
    const npm = ["start", "--silent", "--", "--listen", "127.0.0.1:0", "--data", "memory"];
    const fromNpm = await measureStarts("npm", npm);
    const built = await measureStarts(process.execPath, ["cli/dist/cli/src/main.js", ...outside]);
    return {
      npmStartMs: median(fromNpm.map(({ ms }) => ms)),
      builtMs: median(built.map(({ ms }) => ms)),
      idleBytes: median(built.map(({ rssBytes }) => rssBytes)),
    };
  } finally {
    await engine.stop();
  }
}

async function measureStarts(file: string, args: readonly string[]): Promise<{ ms: number; rssBytes: number }[]> {
  const measured: { ms: number; rssBytes: number }[] = [];
  for (let n = 0; n < starts; n++) {
    const startedAt = performance.now();
    const child = startProgram(file, args, {
      cwd: root,
      env: cleanEnvironment(),
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      await new Promise<void>((resolve, reject) => {
        let printed = "";
        child.stdout?.setEncoding("utf8").on("data", (text: string) => {
          printed += text;
          if (/http:\/\/\S+:\d+/.test(printed)) {
            resolve();
          }
        });
        child.once("close", () => reject(new Error(`${file} ${args.join(" ")} ended before it took calls`)));
      });
      const ms = performance.now() - startedAt;
      await sleep(idleMs);
      measured.push({ ms, rssBytes: rssOf(child.pid) });
    } finally {
      await stopProgram(child);
    }
  }
  return measured;
}

function rssOf(pid: number | undefined): number {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return Number.NaN;
  }
}
