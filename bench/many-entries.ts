/**
 * What many entries of 1 KB cost: written by single Sets, by one mset, and by `dynakv import`, and read by a scan and by
 * `dynakv export`, against a DynamoDB that answers at once; and, as the least that they could cost, the PutItem requests of an mset
 * by themselves.
 *
 *     node --import tsx bench/many-entries.ts [--entries 100000] [--rounds 5]
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { buildCli } from "../tools/build-cli.js";
import { print } from "../tools/print.js";
import { type BenchProcess, startProcess } from "../tools/process-monitor/monitored-process.js";
import { median } from "../tools/statistics.js";
import type { Taken } from "./caller/measured.js";
import { scannedItems } from "./engine/answers.js";
import type { EngineAddress } from "./load.js";
import { digits, megabytes, times } from "./report/format.js";
import { readyAddress, serverArguments, serverModule } from "./stack.js";

const { values } = parseArgs({
  options: { entries: { type: "string", default: "100000" }, rounds: { type: "string", default: "5" } },
});
const count = Number(values.entries);
/** Of what takes longer, or needs nothing that grows with their number. */
const fewer = Math.min(count, 30_000);
const inFlight = 64;

/** What one round has found of a way. CPU in microseconds an entry. */
interface Figures {
  readonly rate: number;
  readonly caller: number;
  readonly server: number;
  readonly engine: number;
  /** The most that the server has held, in bytes. */
  readonly serverMemory: number;
}

/** By their ways, the figures of each round. */
const found = new Map<string, Figures[]>();
const singleSets = `Set, ${inFlight} in flight`;

/** Has a process tell its CPU time as it ends. */
const tellCpu = `data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();console.log("cpu",user+system)})`;

const folder = mkdtempSync(join(tmpdir(), "dynakv-bench-"));
const processes: BenchProcess[] = [];
try {
  const engine = start("bench/processes/endpoint.ts");
  const engineAddress = await engine.ask<EngineAddress>("start");
  const server = start(serverModule, serverArguments(engineAddress));
  const address = await readyAddress(server);
  const caller = start("bench/processes/transferrer.ts");
  const bareWriter = start("bench/processes/bare-writer.ts");
  await caller.ask("start", address);
  await caller.ask("watchMemory");
  await server.ask("watchMemory");
  const file = join(folder, "entries.jsonl");
  const value = Buffer.alloc(1000, 167).toString("base64");
  writeFileSync(
    file,
    Array.from({ length: count }, (_, n) => `${JSON.stringify({ key: `v1000:${n}`, value })}\n`).join(""),
  );
  const cli = await buildCli(join(folder, "cli"), { external: [] });

  async function measure(name: string, entries: number, transfer: (entries: number) => Promise<Taken>): Promise<void> {
    const [serverBefore, engineBefore] = [await server.usage(), await engine.usage()];
    const { seconds, cpu } = await transfer(entries);
    const [serverAfter, engineAfter] = [await server.usage(), await engine.usage()];
    const figures = {
      rate: entries / seconds,
      caller: cpu / entries,
      server: (serverAfter.cpu - serverBefore.cpu) / entries,
      engine: (engineAfter.cpu - engineBefore.cpu) / entries,
      serverMemory: serverAfter.peakRssBytes,
    };
    found.set(name, [...(found.get(name) ?? []), figures]);
    print(`  ${name}: ${digits(figures.rate)} a second`);
  }

  const bare = (lanes: number) => (entries: number) =>
    bareWriter.ask<Taken>("write", { engine: engineAddress, count: entries, inFlight: lanes });
  const sets = (entries: number) => caller.ask<Taken>("sets", { count: entries, inFlight });
  const mset = (entries: number) => caller.ask<Taken>("mset", entries);
  // Compiles everything.
  await sets(5000);
  await mset(20_000);
  await bare(inFlight)(5000);
  const callerMemory: number[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    print(`round ${round + 1} of ${values.rounds}`);
    await measure(singleSets, fewer, sets);
    await caller.usage();
    await measure("mset", count, mset);
    callerMemory.push((await caller.usage()).peakRssBytes);
    await measure("PutItem by itself, 16 in flight", fewer, bare(16));
    await measure("PutItem by itself, 64 in flight", fewer, bare(64));
    await measure("dynakv import", count, () => runCli(cli, ["import", file, "--address", address]));
    await measure("scan", scannedItems, (entries) => caller.ask<Taken>("scan", entries));
    await measure("dynakv export", scannedItems, () =>
      runCli(cli, ["export", "--output", join(folder, `export-${round}`), "--address", address]),
    );
  }
  report(callerMemory);
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

/** Medians of the rounds, and of the ratios within each. */
function report(callerMemory: readonly number[]): void {
  const single = found.get(singleSets) ?? [];
  print("\n| what | entries a second | to single Sets | caller | server | engine | server's memory |");
  print("|---|--:|--:|--:|--:|--:|--:|");
  for (const [name, rounds] of found) {
    const middle = (read: (figures: Figures) => number) => median(rounds.map(read));
    const ratio = median(rounds.map(({ rate }, round) => rate / (single[round]?.rate ?? Number.NaN)));
    const cpu = [middle(({ caller }) => caller), middle(({ server }) => server), middle(({ engine }) => engine)];
    const cells = [digits(middle(({ rate }) => rate)), times(ratio), ...cpu.map((micros) => `${digits(micros)} µs`)];
    print(
      `| ${name} | ${cells.join(" | ")} | ${megabytes(Math.max(...rounds.map(({ serverMemory }) => serverMemory)))} |`,
    );
  }
  print(`\nThe caller of the mset held ${megabytes(Math.max(...callerMemory))} at most.`);
}

async function runCli(cli: string, args: readonly string[]): Promise<Taken> {
  const startedAt = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", tellCpu, cli, ...args]);
  return { seconds: (performance.now() - startedAt) / 1000, cpu: Number(/cpu (\d+)/.exec(stdout)?.[1]) };
}
