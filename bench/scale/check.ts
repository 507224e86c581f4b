/**
 * Compares the model of docs/scale.md with what can be run on one machine: what mixed calls cost, and how often several replicas ask for
 * one key or write one counter.
 *
 *     node --import tsx bench/scale/check.ts [--write]
 */
import { parseArgs } from "node:util";
import { createClient } from "../../client/src/index.js";
import { renderTable, replaceMarked } from "../../tools/markdown.js";
import { type BenchProcess, startProcess } from "../../tools/process-monitor/monitored-process.js";
import { runLoad } from "../caller/run-load.js";
import type { EngineAddress, Load } from "../load.js";
import { readyAddress, serverArguments, serverModule } from "../stack.js";
import { createDynakvWay } from "../ways/dynakv.js";
import { combinedRate } from "./model.js";

const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
/** Long enough that what a busy machine adds does not matter. */
const latencyMs = 50;
/** How many calls each replica has of one key. */
const wanted = 8;
const started: BenchProcess[] = [];

function start(module: string, args: readonly string[] = []): BenchProcess {
  const process = startProcess(module, args);
  started.push(process);
  return process;
}

async function startReplica(engine: EngineAddress): Promise<{ server: BenchProcess; address: string }> {
  const server = start(serverModule, serverArguments(engine));
  return { server, address: await readyAddress(server) };
}

interface Row {
  readonly what: string;
  readonly model: number;
  readonly measured: number;
  readonly unit: string;
}

/** The CPU of a server that does several kinds of calls at a time, beside the sum of what each kind costs. */
async function checkMix(): Promise<Row[]> {
  const engine = await start("bench/processes/endpoint.ts").ask<EngineAddress>("start");
  const { server, address } = await startReplica(engine);
  const loads: Load[] = (["get", "set", "incr"] as const).map((operation) => ({
    operation,
    inFlight: 32,
    valueBytes: 1000,
    milliseconds: 2500,
  }));
  /** Runs loads at the same time, each through a client of its own, and returns the server's CPU in all and how many calls each made. */
  const run = async (which: readonly Load[]) => {
    const ways = which.map(() => createDynakvWay(address));
    await Promise.all(which.map((load, n) => runLoad(ways[n] as (typeof ways)[0], { ...load, milliseconds: 1500 })));
    const before = (await server.usage()).cpu;
    const results = await Promise.all(which.map((load, n) => runLoad(ways[n] as (typeof ways)[0], load)));
    const cpu = (await server.usage()).cpu - before;
    return { cpu, operations: results.map(({ operations }) => operations) };
  };
  // What is compiled meanwhile would count with whichever comes first.
  await run(loads);
  await run(loads);
  const costs: number[] = [];
  for (const load of loads) {
    const { cpu, operations } = await run([load]);
    costs.push(cpu / (operations[0] ?? 1));
  }
  const { cpu, operations } = await run(loads);
  const total = operations.reduce((sum, count) => sum + count, 0);
  const model = operations.reduce((sum, count, n) => sum + count * (costs[n] ?? 0), 0);
  return [
    {
      what: "Gets, Sets and Incrs at a time: CPU of the server a call",
      model: model / total,
      measured: cpu / total,
      unit: "µs",
    },
  ];
}

/** How often replicas ask for one key, and write one counter, that many calls want. */
async function checkHot(): Promise<Row[]> {
  const engineProcess = start("bench/processes/endpoint.ts");
  const engine = await engineProcess.ask<EngineAddress>("start", { latencyMs });
  const rows: Row[] = [];
  const clients: ReturnType<typeof createClient>[] = [];
  const requestMs: Partial<Record<"get" | "incr", number>> = {};
  for (const replicas of [1, 2, 4, 8]) {
    while (clients.length < replicas) {
      clients.push(createClient({ address: (await startReplica(engine)).address }));
    }
    for (const operation of ["get", "incr"] as const) {
      const call = (client: (typeof clients)[0]) =>
        operation === "get" ? client.get("v1000:hot") : client.incr("counter:hot");
      const run = async (milliseconds: number) => {
        const endAt = performance.now() + milliseconds;
        const lane = async (client: (typeof clients)[0]) => {
          while (performance.now() < endAt) {
            await call(client);
          }
        };
        await Promise.all(clients.flatMap((client) => Array.from({ length: wanted }, () => lane(client))));
      };
      const count = async () =>
        Object.values(await engineProcess.ask<Record<string, number>>("requests")).reduce((sum, each) => sum + each, 0);
      await run(700);
      const before = await count();
      const startedAt = performance.now();
      await run(2500);
      const perSecond = ((await count()) - before) / ((performance.now() - startedAt) / 1000);
      // What a request takes besides DynamoDB's answer is read off one replica, and holds for the others.
      requestMs[operation] ??= 1000 / perSecond;
      if (replicas > 1) {
        const model = replicas * combinedRate(1e9, requestMs[operation] ?? latencyMs);
        const name = operation === "get" ? "one key" : "one counter";
        rows.push({ what: `${replicas} replicas, ${name}: requests a second`, model, measured: perSecond, unit: "" });
      }
    }
  }
  for (const client of clients) {
    client.close();
  }
  return rows;
}

try {
  const rows = [...(await checkMix()), ...(await checkHot())];
  const table = renderTable(
    ["what", "model", "measured", "off by"],
    rows.map(({ what, model, measured, unit }) => [
      what,
      `${Math.round(model)} ${unit}`.trim(),
      `${Math.round(measured)} ${unit}`.trim(),
      `${Math.round((measured / model - 1) * 100)} %`,
    ]),
    { figures: true },
  );
  if (values.write) {
    replaceMarked("docs/scale.md", "check", table);
  }
  process.stdout.write(table);
} finally {
  for (const each of started.reverse()) {
    await each.stop();
  }
}
process.exit(0);
