import type { CallOptions } from "@connectrpc/connect";
import { createRequestId } from "../../../common/request-ids.js";
import { createRequestIds } from "../../../server/src/store/counters/own-request-ids.js";
import { createRandom, type Random } from "../../../server/test/support/random.js";
import type { KeyValueClient } from "../../../server/test/support/test-server.js";
import type { Request, Result } from "../check/operation.js";
import type { AdvancingClock } from "./advancing-clock.js";
import { callMGet, callUnary } from "./calls.js";
import { deleteOnce } from "./delete-once.js";
import { type Answered, incrementOnce, replay } from "./increment.js";
import type { Recorder } from "./recorder.js";
import { requestWindowSeconds } from "./replicas.js";
import { resultOfFailure } from "./results.js";
import { drawRequest, type Workload } from "./workload.js";

/** How many increments carry a request id. The others are never repeated by their callers. */
const shareWithId = 0.7;

/** Whom a client calls, and what it draws from. */
export interface ClientOptions {
  readonly name: string;
  readonly seed: number;
  readonly workload: Workload;
  readonly recorder: Recorder;
  readonly clock: AdvancingClock;
  /** The replicas, that of this client first. */
  readonly replicas: readonly KeyValueClient[];
}

/** A caller that does one thing after another. */
export interface SimulatedClient {
  run(operations: number): Promise<void>;
}

export function createSimulatedClient(options: ClientOptions): SimulatedClient {
  const { name, seed, workload, recorder, clock, replicas } = options;
  const random = createRandom(seed, name);
  // Its ids are alike in their second half, as those of some generators are.
  const ids = createRequestIds(clock.nowMs);
  const [home] = replicas;
  const applied: Answered[] = [];
  let drawn = 0;
  if (home === undefined) {
    throw new Error("a client needs a replica");
  }

  async function step(client: KeyValueClient): Promise<void> {
    if (random.chance(workload.ticks)) {
      clock.advance(random.chance(workload.leaps) ? workload.leapMs : 300 + random.below(1200));
    }
    const kind = random.weighted(workload.mix);
    const hurry = drawHurry(random, workload.haste);
    if (kind === "mget") {
      await readMany(client, hurry());
      return;
    }
    const answered = random.chance(workload.lateReplays) ? applied[random.below(applied.length)] : undefined;
    if (answered !== undefined) {
      const oldestMs = () => clock.nowMs() + workload.skewMs - requestWindowSeconds * 1000;
      await replay(random.pick(replicas), answered, hurry(), oldestMs);
    }
    const key = random.pick(workload.keys);
    const request = drawRequest(random, workload, kind, `${name}-${drawn++}`, recorder.etags(key), clock.nowMs());
    if (request.type === "delete" && request.condition?.test === "etag" && random.chance(shareWithId)) {
      const { type, condition } = request;
      // One after the other, under ids of their own: the second must not be told that it has removed the entry, too.
      for (let left = random.chance(0.5) ? 2 : 1; left > 0; left--) {
        const end = recorder.begin(name, key, { type, condition });
        const once = { key, etag: condition.etag, requestId: createRequestId(clock.nowMs()) };
        end(await deleteOnce(replicas, once, random, hurry));
      }
      return;
    }
    const hasId = request.type === "incr" && random.chance(shareWithId);
    const end = recorder.begin(name, key, request);
    if (!hasId) {
      end(await callOnce(client, key, request, hurry()));
      return;
    }
    const writer = random.chance(workload.newWriters) ? createRequestIds(clock.nowMs) : ids;
    end(await incrementOnce(writer, replicas, key, request, hurry, (each) => applied.push(each)));
  }

  async function readMany(client: KeyValueClient, callOptions: CallOptions): Promise<void> {
    const keys = [...workload.keys, random.pick(workload.keys)];
    const ends = keys.map((key) => recorder.begin(name, key, { type: "get" }));
    const answers = await callMGet(client, keys, callOptions).catch((error: unknown) => {
      resultOfFailure(error);
      return [];
    });
    for (const [index, end] of ends.entries()) {
      const answer = answers[index];
      end(answer === undefined ? { outcome: "not-applied", why: "read failed" } : { outcome: "done", answer });
    }
  }

  return {
    async run(operations) {
      for (let n = 0; n < operations; n++) {
        await step(home);
        if (random.chance(0.3)) {
          await new Promise((resolve) => setTimeout(resolve, random.below(4)));
        }
      }
    },
  };
}

async function callOnce(client: KeyValueClient, key: string, request: Request, options: CallOptions): Promise<Result> {
  try {
    return { outcome: "done", answer: await callUnary(client, key, request, options) };
  } catch (error) {
    return resultOfFailure(error).result;
  }
}

/** Options of each try of a call: some callers have a short deadline, some leave. */
function drawHurry(random: Random, haste: number): () => CallOptions {
  if (!random.chance(haste)) {
    return () => ({});
  }
  const ms = 1 + random.below(15);
  return random.chance(0.5) ? () => ({ timeoutMs: ms }) : () => ({ signal: AbortSignal.timeout(ms) });
}
