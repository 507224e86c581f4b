import type { NativeLoad } from "./native-load.js";
import { figure, type RowResult, ratio } from "./rounds.js";
import type { StartUp } from "./start-up.js";

/** A target, and what was found. */
export interface Goal {
  /** The line of the goal that it belongs to. */
  readonly line: number;
  readonly text: string;
  readonly unit: "ratio" | "ms" | "µs" | "MB" | "requests";
  readonly value: number;
  /** The value shall be at most this, or at least. */
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly reached: boolean;
}

type Target = Pick<Goal, "atMost" | "atLeast">;

/** What the goal promises of reads, latency, large reads and hot keys, from the rows that tell. */
export function findGoals(results: readonly RowResult[]): Goal[] {
  const get = find(results, "get-64");
  const alone = find(results, "get-1");
  const mget = find(results, "mget-10000");
  const hotKey = find(results, "hot-key");
  const hotCounter = find(results, "hot-counter");
  return [
    goal(
      1,
      "Get, 64 in flight: CPU of the server to that of an SDK call",
      "ratio",
      ratio(
        get,
        "dynakv",
        "sdk",
        (of) => of.serverCpu,
        (of) => of.callerCpu,
      ),
      { atMost: 1 / 5 },
    ),
    goal(
      1,
      "Get, 64 in flight: CPU of the caller to that of an SDK call",
      "ratio",
      ratio(get, "dynakv", "sdk", (of) => of.callerCpu),
      { atMost: 1 / 4 },
    ),
    goal(
      1,
      "Get, 64 in flight: calls a second to those of the SDK",
      "ratio",
      ratio(get, "dynakv", "sdk", (of) => of.perSecond),
      { atLeast: 10 },
    ),
    goal(
      2,
      "Get, 1 in flight: p50 above that of the SDK",
      "ms",
      figure(alone, "dynakv", (of) => of.p50) - figure(alone, "sdk", (of) => of.p50),
      { atMost: 0.2 },
    ),
    goal(
      4,
      "MGet of 10,000: keys a second to those of Celery's way",
      "ratio",
      ratio(mget, "dynakv", "celery", (of) => of.perSecond),
      { atLeast: 60 },
    ),
    goal(
      4,
      "MGet of 10,000: keys a second to those of the tuned SDK, batches in parallel",
      "ratio",
      ratio(mget, "dynakv", "sdk-tuned", (of) => of.perSecond),
      { atLeast: 2 },
    ),
    goal(
      4,
      "MGet of 10,000: CPU of the server a key to that of the tuned SDK",
      "ratio",
      ratio(
        mget,
        "dynakv",
        "sdk-tuned",
        (of) => of.serverCpu,
        (of) => of.callerCpu,
      ),
      { atMost: 0.4 },
    ),
    goal(
      4,
      "MGet of 10,000: CPU of the caller a key to that of the tuned SDK",
      "ratio",
      ratio(mget, "dynakv", "sdk-tuned", (of) => of.callerCpu),
      { atMost: 0.3 },
    ),
    goal(
      5,
      "hot counter, 256 in flight: DynamoDB requests per 1,000 increments",
      "requests",
      figure(hotCounter, "dynakv", (of) => of.requestsPerThousand),
      { atMost: 20 },
    ),
    goal(
      5,
      "hot key, 256 in flight: DynamoDB requests per 1,000 Gets",
      "requests",
      figure(hotKey, "dynakv", (of) => of.requestsPerThousand),
      { atMost: 20 },
    ),
  ];
}

/** What the goal promises of the gRPC path and of start-up. */
export function findOtherGoals({ startUp, native }: { startUp: StartUp; native: NativeLoad | undefined }): Goal[] {
  const grpc = native === undefined ? Number.NaN : native.dynakv.cpu / native.grpcJs.cpu;
  return [
    goal(3, "unary gRPC from memory: CPU of the server to that of @grpc/grpc-js", "ratio", grpc, { atMost: 1.5 }),
    goal(7, "`npm start` until it takes calls", "ms", startUp.npmStartMs, { atMost: 1500 }),
    goal(7, "memory of an idle server with an outside backend", "MB", startUp.idleBytes / 1e6, { atMost: 90 }),
  ];
}

function goal(line: number, text: string, unit: Goal["unit"], value: number, target: Target): Goal {
  const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = target;
  return { line, text, unit, value, ...target, reached: value <= atMost && value >= atLeast };
}

function find(results: readonly RowResult[], id: string): RowResult {
  const found = results.find(({ row }) => row.id === id);
  if (found === undefined) {
    throw new Error(`there is no row ${id}`);
  }
  return found;
}
