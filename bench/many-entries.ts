/**
 * What many entries of 1 KB cost: written by single Sets, by one mset, and by `dynakv import`, and read by a scan and by
 * `dynakv export`, against a DynamoDB that answers at once.
 *
 *     node --import tsx bench/many-entries.ts [--entries 100000] [--rounds 3]
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { buildCli } from "../tools/build-cli.js";
import { print } from "../tools/print.js";
import { type BenchProcess, startProcess } from "../tools/process-monitor/monitored-process.js";
import { scannedItems } from "./engine/answers.js";
import type { EngineAddress } from "./load.js";
import type { Taken } from "./processes/transferrer.js";
import { readyAddress, serverArguments, serverModule } from "./stack.js";

const { values } = parseArgs({
  options: { entries: { type: "string", default: "100000" }, rounds: { type: "string", default: "3" } },
});
const count = Number(values.entries);
const inFlight = 64;

/** Has a process tell its CPU time as it ends. */
const tellCpu = `data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();console.log("cpu",user+system)})`;

const folder = mkdtempSync(join(tmpdir(), "dynakv-bench-"));
const processes: BenchProcess[] = [];
try {
  const engine = start("bench/processes/endpoint.ts");
  const server = start(serverModule, serverArguments(await engine.ask<EngineAddress>("start")));
  const address = await readyAddress(server);
  const caller = start("bench/processes/transferrer.ts");
  await caller.ask("start", address);
  const file = join(folder, "entries.jsonl");
  const value = Buffer.alloc(1000, 167).toString("base64");
  writeFileSync(
    file,
    Array.from({ length: count }, (_, n) => `${JSON.stringify({ key: `v1000:${n}`, value })}\n`).join(""),
  );
  const cli = await buildCli(join(folder, "cli"), { external: [] });
  // Compiles everything.
  await caller.ask("sets", { count: 5000, inFlight });
  await caller.ask("mset", 20_000);
  for (let round = 0; round < Number(values.rounds); round++) {
    await measure(server, "Set, 64 in flight", Math.min(count, 30_000), (entries) =>
      caller.ask<Taken>("sets", { count: entries, inFlight }),
    );
    await measure(server, "mset", count, (entries) => caller.ask<Taken>("mset", entries));
    print(`  the caller's memory: ${((await caller.usage()).peakRssBytes / 1e6).toFixed(0)} MB at most`);
    await measure(server, "dynakv import", count, () => runCli(cli, ["import", file, "--address", address]));
    await measure(server, "scan", scannedItems, (entries) => caller.ask<Taken>("scan", entries));
    await measure(server, "dynakv export", scannedItems, () =>
      runCli(cli, ["export", "--output", join(folder, `export-${round}`), "--address", address]),
    );
  }
} finally {
  for (const each of processes.reverse()) {
    await each.stop();
  }
  rmSync(folder, { recursive: true });
}

function start(module: string, args: readonly string[] = []): BenchProcess {
  const started = startProcess(module, args);
  processes.push(started);
  return started;
}

async function measure(
  server: BenchProcess,
  name: string,
  entries: number,
  transfer: (entries: number) => Promise<Taken>,
) {
  const before = await server.usage();
  const { seconds, cpu } = await transfer(entries);
  const after = await server.usage();
  const micros = (total: number) => `${(total / entries).toFixed(1)} µs`;
  const rate = Math.round(entries / seconds).toLocaleString("en");
  print(
    `${name.padEnd(20)} ${rate.padStart(8)} a second; CPU an entry: caller ${micros(cpu)}, server ${micros(after.cpu - before.cpu)}; the server's memory: ${(after.peakRssBytes / 1e6).toFixed(0)} MB at most`,
  );
}

async function runCli(cli: string, args: readonly string[]): Promise<Taken> {
  const startedAt = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", tellCpu, cli, ...args]);
  return { seconds: (performance.now() - startedAt) / 1000, cpu: Number(/cpu (\d+)/.exec(stdout)?.[1]) };
}
