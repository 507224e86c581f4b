import type { Usage } from "../tools/process-monitor/answer.js";
import type { BenchProcess } from "../tools/process-monitor/monitored-process.js";
import type { Load, LoadResult } from "./load.js";
import type { Row } from "./rows.js";
import type { Stack } from "./stack.js";
import type { Column } from "./ways/way.js";

/** What one way did of one row, in one round. */
export interface Measurement {
  readonly perSecond: number;
  /** CPU of each process per call, or per key of an mget, in microseconds. Only dynakv has a server. */
  readonly callerCpu: number;
  readonly serverCpu: number;
  readonly engineCpu: number;
  /** Latencies of a call, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** DynamoDB requests per 1,000 calls, or keys; NaN where the engine does not count them. */
  readonly requestsPerThousand: number;
  /** What the processes held before, and the most that they held meanwhile. */
  readonly callerRss: number;
  readonly callerPeak: number;
  readonly serverRss: number;
  readonly serverPeak: number;
}

type Requests = Record<string, number>;

/** How long calls are made before those that count, so that what is compiled for the load is compiled. */
const warmUpMs = 300;
/** Where calls are made one after another, as many take longer: a service runs for days. */
const loneWarmUpMs = 8000;

export async function measure(stack: Stack, row: Row, column: Column, milliseconds: number): Promise<Measurement> {
  const caller = stack.callers.get(column);
  if (caller === undefined) {
    throw new Error(`there is no caller for ${column}`);
  }
  const { operation, inFlight, valueBytes, keys = 1, hot = false } = row;
  const load: Load = { operation, inFlight, valueBytes, keys, hot, milliseconds };
  // A call that takes this long is not made twice.
  if (!(operation === "mget" && (column === "celery" || keys > 100_000))) {
    await caller.ask<LoadResult>("run", {
      ...load,
      milliseconds: inFlight === 1 && operation !== "mget" ? loneWarmUpMs : warmUpMs,
    });
  }
  const callerBefore = await watched(caller);
  const serverBefore = await watched(stack.server);
  const before = await readAll(stack);
  const { operations, seconds, cpu, p50, p99 } = await caller.ask<LoadResult>("run", load);
  const after = await readAll(stack);
  const requests = countAll(after.requests) - countAll(before.requests);
  return {
    perSecond: operations / seconds,
    callerCpu: cpu / operations,
    serverCpu: column === "dynakv" ? (after.server - before.server) / operations : 0,
    engineCpu: (after.engine - before.engine) / operations,
    p50,
    p99,
    requestsPerThousand: requests === 0 ? Number.NaN : (requests / operations) * 1000,
    callerRss: callerBefore.rssBytes,
    callerPeak: (await caller.usage()).peakRssBytes,
    serverRss: serverBefore.rssBytes,
    serverPeak: after.serverPeak,
  };
}

/** From now on its peak is watched. */
async function watched(process: BenchProcess): Promise<Usage> {
  await process.ask("watchMemory");
  return process.usage();
}

async function readAll({ engine, server }: Stack) {
  const [engineUsage, serverUsage, requests] = await Promise.all([
    engine.usage(),
    server.usage(),
    engine.ask<Requests>("requests"),
  ]);
  return { engine: engineUsage.cpu, server: serverUsage.cpu, serverPeak: serverUsage.peakRssBytes, requests };
}

function countAll(requests: Requests): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}
