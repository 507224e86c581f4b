import { type BenchProcess, startProcess } from "../tools/process-monitor/monitored-process.js";
import type { EngineAddress } from "./load.js";
import type { Column } from "./ways/way.js";

/** Which engine lies behind everything. */
export type EngineKind = "endpoint" | "embedded";

/** An engine, a server and a caller for each way, each a process of its own. */
export interface Stack {
  readonly engine: BenchProcess;
  readonly server: BenchProcess;
  readonly callers: ReadonlyMap<Column, BenchProcess>;
  stop(): Promise<void>;
}

export async function startStack(kind: EngineKind, columns: readonly Column[]): Promise<Stack> {
  const started: BenchProcess[] = [];
  const start = (module: string, args: readonly string[] = []) => {
    const process = startProcess(module, args);
    started.push(process);
    return process;
  };
  const stop = async () => {
    // Who calls goes before who is called.
    for (const process of started.splice(0).reverse()) {
      await process.stop();
    }
  };
  try {
    const engine = start(`bench/processes/${kind}.ts`);
    const engineAddress = await engine.ask<EngineAddress>("start");
    const server = start(serverModule, serverArguments(engineAddress));
    const address = await readyAddress(server);
    const callers = new Map<Column, BenchProcess>();
    for (const column of columns) {
      const caller = start("bench/processes/caller.ts");
      await caller.ask("start", { column, address, engine: engineAddress });
      callers.set(column, caller);
    }
    return { engine, server, callers, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The command line, as `npm start` runs it. */
export const serverModule = "cli/src/main.ts";

/** The server's arguments, all settings at their defaults but for where things are. */
export function serverArguments({ endpoint, region, accessKeyId, secretAccessKey }: EngineAddress): string[] {
  const backend = ["--endpoint", endpoint, "--region", region];
  const credentials = ["--access-key-id", accessKeyId, "--secret-access-key", secretAccessKey];
  return ["serve", "--listen", "127.0.0.1:0", "--log-level", "warn", ...backend, ...credentials];
}

/** Resolves with the server's address once it takes calls. */
export async function readyAddress(server: BenchProcess): Promise<string> {
  const [address] = await server.printed(/http:\/\/[^\s/]+:\d+/);
  return address;
}
