import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type DynakvClient, DynakvError } from "../../client/src/index.js";
import { createRequestIds, type RequestIds } from "../../server/src/store/counters/own-request-ids.js";
import type { Random } from "../../server/test/support/random.js";
import { inputKinds } from "../fuzz/kinds.js";
import { sendInput } from "../fuzz/run/send-input.js";
import { plainTarget } from "../fuzz/targets.js";

export interface CallersOptions {
  readonly urls: readonly string[];
  /** How many turns are taken in a second, over all callers. */
  readonly rate: number;
  readonly random: Random;
  readonly onProblem: (problem: string) => void;
}

export interface Callers {
  /** What was done, by kind of turn, and how often a call failed as it may. */
  readonly turns: ReadonlyMap<string, number>;
  /** What each counter must hold at the end. */
  readonly counters: ReadonlyMap<string, bigint>;
  stop(): Promise<void>;
}

const callerCount = 12;
const counterCount = 20;
const keysOfCaller = 30;
/** By then, whatever the proxy has held back has been carried out. */
const lateMs = 600;

/** What the only writer of a key knows of it: the values that it may hold. More than one after a write that may have been lost. */
type Model = Map<string, readonly (string | undefined)[]>;

/** Callers of every kind of call, each of which writes keys of its own and increments counters that all share. */
export function startCallers({ urls, rate, random, onProblem }: CallersOptions): Callers {
  const clients = urls.map((address) => createClient({ address }));
  const targets = urls.map((url) => plainTarget(url));
  const dropping = inputKinds.filter(({ name }) => name === "open-ends" || name === "http2-frames");
  const turns = new Map<string, number>();
  const counters = new Map<string, bigint>();
  let isStopping = false;

  const count = (name: string) => turns.set(name, (turns.get(name) ?? 0) + 1);
  const anyClient = () => random.pick(clients);

  /** Repeats an increment with its id, at any replica, until it is answered. */
  async function increment(ids: RequestIds): Promise<void> {
    const key = `counter-${random.below(counterCount)}`;
    await ids.use(key, async (requestId) => {
      for (let tries = 1; ; tries++) {
        try {
          // Some give up before there is an answer, by a deadline or by leaving.
          const isHasty = tries === 1 && random.chance(0.1);
          const signal = random.chance(0.5) ? AbortSignal.timeout(random.below(10)) : undefined;
          const hasty = signal === undefined ? { timeoutMs: random.below(10) } : { signal };
          await anyClient().incr(key, { requestId, ...(isHasty ? hasty : {}) });
          counters.set(key, (counters.get(key) ?? 0n) + 1n);
          return;
        } catch (error) {
          checkFailure("incr", error);
          if (tries === 50) {
            throw error;
          }
          await sleep(50);
        }
      }
    });
  }

  async function write(model: Model, key: string): Promise<void> {
    const known = model.get(key) ?? [undefined];
    const value = random.chance(0.2) ? undefined : randomBytes(4 + random.below(2000)).toString("base64");
    try {
      if (value === undefined) {
        await anyClient().delete(key);
      } else {
        await anyClient().set(key, Buffer.from(value), random.chance(0.3) ? { expiry: { seconds: 3600 } } : {});
        if (random.chance(0.2)) {
          await anyClient()
            .touch(key, { seconds: 7200 })
            .catch((error) => checkFailure("touch", error));
        }
      }
      model.set(key, [value]);
    } catch (error) {
      checkFailure("write", error);
      model.set(key, error instanceof DynakvError && error.outcome === "NOT_APPLIED" ? known : [...known, value]);
      await sleep(lateMs);
    }
  }

  async function read(model: Model, key: string): Promise<void> {
    const entry = await anyClient().get(key, { consistency: "strong" });
    check(model, key, entry?.kind === "value" ? Buffer.from(entry.value).toString() : undefined);
  }

  async function readMany(model: Model): Promise<void> {
    const keys = [...model.keys()];
    const stopAt = random.chance(0.2) ? random.below(keys.length + 1) : Number.POSITIVE_INFINITY;
    let seen = 0;
    for await (const { key, entry } of anyClient().mget(keys, { consistency: "strong", timeoutMs: 10_000 })) {
      check(model, key, entry?.kind === "value" ? Buffer.from(entry.value).toString() : undefined);
      if (++seen > stopAt) {
        return;
      }
    }
    if (seen !== keys.length) {
      onProblem(`mget answered ${seen} of ${keys.length} keys`);
    }
  }

  function check(model: Model, key: string, value: string | undefined): void {
    const known = model.get(key) ?? [undefined];
    if (!known.includes(value)) {
      onProblem(
        `${key} holds ${value === undefined ? "nothing" : "another value"}, which its only writer has not written`,
      );
    }
    model.set(key, [value]);
  }

  function checkFailure(what: string, error: unknown): void {
    if (!(error instanceof DynakvError) || !allowed.has(error.reason)) {
      onProblem(`${what} failed: ${error instanceof DynakvError ? error.reason : ""} ${error}`);
    } else {
      count(`failed with ${error.reason}`);
    }
  }

  async function drop(): Promise<void> {
    await sendInput(random.pick(targets), random.pick(dropping).draw(random));
  }

  async function runCaller(caller: number): Promise<void> {
    const model: Model = new Map();
    const ids = createRequestIds();
    const keys = Array.from({ length: keysOfCaller }, (_, n) => `caller-${caller}-${n}`);
    const kinds: Record<string, () => Promise<void>> = {
      incr: () => increment(ids),
      write: () => write(model, random.pick(keys)),
      get: () => read(model, random.pick(keys)),
      mget: () => readMany(model),
      drop,
    };
    while (!isStopping) {
      const kind = random.weighted({ incr: 30, write: 25, get: 35, mget: 5, drop: 5 });
      count(kind);
      await kinds[kind]?.().catch((error: unknown) => checkFailure(kind, error));
      await sleep((callerCount * 1000) / rate);
    }
  }

  const running = Promise.all(Array.from({ length: callerCount }, (_, caller) => runCaller(caller)));
  return {
    turns,
    counters,
    async stop() {
      isStopping = true;
      await running;
      const [client] = clients as [DynakvClient];
      for (const [key, wanted] of counters) {
        const entry = await client.get(key, { consistency: "strong" });
        const counted = entry?.kind === "counter" ? entry.counter : undefined;
        if (counted !== wanted) {
          onProblem(`${key} is ${counted}, and ${wanted} increments were answered`);
        }
      }
      for (const each of clients) {
        each.close();
      }
    },
  };
}

/** What may come of faults, of deadlines and of leaving. */
const allowed: ReadonlySet<string> = new Set([
  "THROTTLED",
  "BACKEND_UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "CANCELED",
  "SHUTTING_DOWN",
  "UNREACHABLE",
  "CONTENTION",
]);
