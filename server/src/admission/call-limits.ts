import type { Logger } from "pino";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import type { Call } from "../calls/call.js";
import type { PreparedError } from "../calls/errors/prepared-error.js";
import { isWrite } from "../calls/errors/to-connect-error.js";
import type { Interceptor } from "../calls/pipeline.js";
import { abortError } from "../errors/dynakv-error.js";
import { networkOf } from "../listener/remote-address.js";
import { createCountedWarning } from "../observability/counted-warning.js";
import { anyone } from "../service/principal.js";
import { createAdaptiveLimit } from "./adaptive-limit.js";
import { createAdmissionQueue, type QueuedCall } from "./admission-queue.js";
import { createLatencyPercentiles } from "./latency-percentile.js";
import { createLoadMeter } from "./load-meter.js";
import { createMemoryBudget, type MemoryBudget } from "./memory-budget.js";
import { type ShedKind, shedError } from "./overload-errors.js";

export interface CallLimitOptions {
  /** The most calls in flight in all, those that wait included. */
  readonly maxCalls: number;
  /** The most calls in flight of one caller: of an identity, or of a remote address where nobody is asked. */
  readonly maxCallsPerCaller: number;
  /** The most bytes that are held for all calls together. */
  readonly memoryBytes: number;
  /** The deadline of a unary call that sets none. */
  readonly defaultDeadlineMs: number;
  /** True if the calls that run are limited to what the processor can carry. */
  readonly isAdaptive: boolean;
  readonly logger: Logger;
  /** Is told of each call that was refused. */
  readonly onRefused?: ((kind: ShedKind) => void) | undefined;
}

/** Room for work that a call does beside its first. */
export interface WorkSlots {
  /** Takes room for one more batch, if there is any. Never waits: work that has begun goes on with what it has. */
  tryTake(): boolean;
  giveBack(): void;
}

export interface CallLimits {
  /** Lets a call in, has it wait for its turn, or refuses it. Of a call that is let in nothing but its end is heard. */
  readonly interceptor: Interceptor;
  /** For the batches of an MGet beyond its first. */
  readonly batches: WorkSlots;
  /** For what is held for all calls. */
  readonly memory: MemoryBudget;
  /** Number of calls that are in flight, those that wait included, and how many of them wait. */
  readonly calls: number;
  readonly waiting: number;
  /** How many of them may write. */
  readonly writes: number;
  /** Concurrency limit; a Get weighs 1. */
  readonly limit: number;
  stop(): void;
}

/** Weight of a stream in unary calls: each batch of an MGet is about the work of so many Gets. */
const streamWeight = 16;
/** Number of calls of health one address may have open: far more than there are probes, and a watch each for many connections. */
const maxHealthCalls = 1000;
/** Fewer Gets at once would be read by smaller batches, and each cost more: the limit would make the overload. */
const minLimit = 128;
/** So many unary calls run whatever streams do: few streams of great weight must not keep all others out. */
const reservedForUnary = 64;
/** Longest time that a client may leave lying what was sent until its stream counts as one that waits, in milliseconds. */
const stalledMs = 100;
/** Initial concurrency limit, before anything was learnt. */
const initialLimit = 1024;
/**
 * Time that a call waits at most while the processor is saturated, as a part of what is left of its deadline: an estimate may be wrong by
 * far, and does no harm. When others have waited all the time for so long as a burst may last, it is an overload, and nobody waits
 * longer than so many milliseconds, with whatever deadline: who is refused at once can still go elsewhere.
 */
const maxWaitMs = 500;
const maxWaitShare = 0.25;
const burstMs = 1000;

/** A stream that was let in. */
interface RunningStream {
  readonly caller: string;
  readonly weight: number;
  /** True if its weight is among what runs. */
  isHeld: boolean;
  /** Since when its client has not taken what was sent. */
  stalledAt: number | undefined;
}

export function createCallLimits(options: CallLimitOptions): CallLimits {
  const { maxCalls, maxCallsPerCaller, memoryBytes, defaultDeadlineMs, isAdaptive, logger, onRefused } = options;
  const warn = createCountedWarning<ShedKind>(logger, "calls refused");
  const byCaller = new Map<string, number>();
  const healthByAddress = new Map<string, number>();
  const limit = createAdaptiveLimit({ min: minLimit, initial: initialLimit, max: maxCalls * streamWeight });
  const queue = createAdmissionQueue();
  const percentiles = createLatencyPercentiles();
  let calls = 0;
  let waitingCalls = 0;
  let writes = 0;
  /** The weight of what runs, and the most of it since the last sample. */
  let running = 0;
  let runningUnary = 0;
  /** The same by caller. */
  const runningBy = new Map<string, number>();
  const streams = new Set<RunningStream>();
  let peak = 0;
  let wasReached = false;
  let queuedSince = 0;
  /** Weight begun since the last sample, and the recent rate per millisecond. */
  let begun = 0;
  let begunPerMs = 0;

  /** Time that a call has probably waited before it was seen. */
  let lagMs = 0;

  const meter = createLoadMeter((load) => {
    lagMs = lagMs * 0.8 + load.lagMs * 0.2;
    limit.learn(load, peak, wasReached);
    begunPerMs = begunPerMs * 0.8 + (begun / load.elapsedMs) * 0.2;
    begun = 0;
    peak = running;
    wasReached = !queue.isEmpty;
    const now = performance.now();
    if (!queue.isEmpty) {
      // Those that wait are served also when no more come.
      meter.wake();
    }
    releaseStalled(now);
    queue.dropLate(now);
    queue.startForEach(hasRoomFor, now);
  });

  const hasReserve = (weight: number) => weight === 1 && runningUnary < reservedForUnary;
  const hasRoom = (weight: number) => running === 0 || running < limit.current || hasReserve(weight);
  const mayBegin = (weight: number) => (queue.isEmpty && hasRoom(weight)) || hasReserve(weight);
  /** Others may have more than their share. All shares together are the limit, so that it is exceeded by no more than that. */
  const isBelowShare = (weight: number, caller: string) =>
    byCaller.size > 1 && (runningBy.get(caller) ?? 0) + weight <= limit.current / byCaller.size;
  const hasRoomFor = (weight: number, caller: string) => hasRoom(weight) || isBelowShare(weight, caller);

  function run(weight: number): void {
    running += weight;
    peak = Math.max(peak, running);
  }

  function stop(weight: number): void {
    running -= weight;
    if (!queue.isEmpty) {
      queue.startWhile(hasRoom, performance.now());
    }
  }

  function runFor(caller: string, weight: number): void {
    runningBy.set(caller, (runningBy.get(caller) ?? 0) + weight);
    run(weight);
  }

  function stopFor(caller: string, weight: number): void {
    const left = (runningBy.get(caller) ?? 0) - weight;
    if (left > 0) {
      runningBy.set(caller, left);
    } else {
      runningBy.delete(caller);
    }
    stop(weight);
    if (queue.has(caller)) {
      // Of its own share; those of others change when the limit does, or callers come and go, which the next sample sees.
      queue.startFor(caller, hasRoomFor, performance.now());
    }
  }

  function refuse(kind: ShedKind): PreparedError {
    warn(kind);
    onRefused?.(kind);
    return shedError(kind);
  }

  /** Counts a call for as long as anything is held for it, unless there are too many. */
  function count(call: Call): void {
    if (calls >= maxCalls) {
      throw refuse("maxCalls");
    }
    countOf(byCaller, nameOf(call), maxCallsPerCaller, call);
    calls++;
    call.onRelease(() => calls--);
    if (call.method?.parent === KeyValueService && isWrite(call.method)) {
      writes++;
      call.onRelease(() => writes--);
    }
  }

  /** The same for the calls of somebody. */
  function countOf(counts: Map<string, number>, name: string, most: number, call: Call): void {
    const now = counts.get(name) ?? 0;
    if (now >= most) {
      throw refuse("maxCallsPerCaller");
    }
    counts.set(name, now + 1);
    call.onRelease(() => {
      const left = (counts.get(name) ?? 0) - 1;
      if (left > 0) {
        counts.set(name, left);
      } else {
        counts.delete(name);
      }
    });
  }

  function begin(call: Call, caller: string, weight: number): void {
    runFor(caller, weight);
    begun += weight;
    if (weight > 1) {
      holdStream(call, caller, weight);
      return;
    }
    runningUnary++;
    const begunAt = performance.now();
    let isRunning = true;
    const leave = () => {
      if (isRunning) {
        isRunning = false;
        runningUnary--;
        percentiles.add(call.method, performance.now() - begunAt);
        stopFor(caller, weight);
      }
    };
    // Its work is done when its answer waits for its client, who may take it late or never.
    call.onStall = leave;
    call.onEnd(leave);
  }

  /** A stream has its weight while it works: not while its client does not take what it has sent. */
  function holdStream(call: Call, caller: string, weight: number): void {
    const stream: RunningStream = { caller, weight, isHeld: true, stalledAt: undefined };
    const begunAt = performance.now();
    let wasStalled = false;
    streams.add(stream);
    call.onStall = (isStalled) => {
      stream.stalledAt = isStalled ? performance.now() : undefined;
      if (!isStalled && !stream.isHeld) {
        // A stream that was admitted continues, over the limit or not.
        stream.isHeld = true;
        wasStalled = true;
        runFor(caller, weight);
      }
    };
    call.onEnd(() => {
      streams.delete(stream);
      // Time spent on slow readers is not latency of the call.
      if (!wasStalled && stream.isHeld) {
        percentiles.add(call.method, performance.now() - begunAt);
      }
      if (stream.isHeld) {
        stopFor(caller, weight);
      }
    });
  }

  function releaseStalled(now: number): void {
    for (const stream of streams) {
      if (stream.isHeld && stream.stalledAt !== undefined && now - stream.stalledAt >= stalledMs) {
        stream.isHeld = false;
        stopFor(stream.caller, stream.weight);
      }
    }
  }

  function wait(call: Call, caller: string, weight: number): Promise<void> {
    wasReached = true;
    const now = performance.now();
    // Without a saturated processor a wait is one for a limit that is about to grow.
    const expectedMs = limit.isSaturated && begunPerMs > 0 ? queue.weightBefore(caller) / begunPerMs : 0;
    queuedSince = queue.isEmpty ? now : queuedSince;
    const unsetMs = call.method?.methodKind === "unary" ? defaultDeadlineMs : Number.POSITIVE_INFINITY;
    const deadlineMs = call.timeoutMs ?? unsetMs;
    const beginBy = call.startedAt - lagMs + deadlineMs - percentiles.of(call.method);
    const isBurst = now - queuedSince <= burstMs;
    const longestMs = Math.min(isBurst ? Number.POSITIVE_INFINITY : maxWaitMs, (beginBy - now) * maxWaitShare);
    if (expectedMs >= longestMs) {
      throw refuse(expectedMs >= maxWaitMs ? "overload" : "late");
    }
    return new Promise((resolve, reject) => {
      const waiting: QueuedCall = {
        call,
        caller,
        weight,
        beginBy,
        start() {
          waitingCalls--;
          begin(call, caller, weight);
          resolve();
        },
        giveUp() {
          waitingCalls--;
          reject(refuse("late"));
        },
      };
      waitingCalls++;
      queue.add(waiting);
      call.onEnd(() => {
        if (queue.remove(waiting)) {
          waitingCalls--;
          reject(abortError(undefined));
        }
      });
    });
  }

  return {
    interceptor(call) {
      const { method } = call;
      // Requests that are not calls are cheap.
      if (method === undefined) {
        return;
      }
      // Health checks are answered immediately, and may be watched for weeks.
      if (method.parent === Health) {
        countOf(healthByAddress, networkOf(call.remote ?? ""), maxHealthCalls, call);
        return;
      }
      count(call);
      if (!isAdaptive) {
        return;
      }
      meter.wake();
      const weight = method.methodKind === "unary" ? 1 : streamWeight;
      const caller = nameOf(call);
      if (mayBegin(weight) || (!queue.has(caller) && isBelowShare(weight, caller))) {
        begin(call, caller, weight);
        return;
      }
      return wait(call, caller, weight);
    },
    batches: {
      tryTake() {
        if (!isAdaptive) {
          return true;
        }
        if (mayBegin(streamWeight)) {
          run(streamWeight);
          begun += streamWeight;
          return true;
        }
        wasReached = true;
        meter.wake();
        return false;
      },
      giveBack() {
        if (isAdaptive) {
          stop(streamWeight);
        }
      },
    },
    memory: createMemoryBudget({ limit: memoryBytes, refuse }),
    get calls() {
      return calls;
    },
    get writes() {
      return writes;
    },
    get waiting() {
      return waitingCalls;
    },
    get limit() {
      return limit.current;
    },
    stop() {
      meter.stop();
      warn.flush();
    },
  };
}

function nameOf({ caller, remote }: Call): string {
  // An address cannot be taken for a name.
  return caller === anyone ? networkOf(remote ?? "") : ` ${caller.name}`;
}
