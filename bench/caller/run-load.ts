import { quantile } from "../../tools/statistics.js";
import {
  counterKey,
  hotCounterKey,
  hotValueKey,
  type Load,
  type LoadResult,
  storedKeys,
  valueKey,
  valueKeys,
} from "../load.js";
import type { Way } from "../ways/way.js";

/** Calls as told, and tells what it took. Throws when an answer is wrong: fast and wrong is not fast. */
export async function runLoad(way: Way, load: Load): Promise<LoadResult> {
  const { inFlight, milliseconds } = load;
  const call = createCall(way, load);
  const latencies: number[] = [];
  let operations = 0;
  let next = 0;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endAt = startedAt + milliseconds;
  const lane = async () => {
    let now = performance.now();
    do {
      const done = await call(next++);
      operations += done;
      const after = performance.now();
      latencies.push(after - now);
      now = after;
    } while (now < endAt);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { operations, seconds, cpu: user + system, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
}

/** The n-th call; resolves with how many operations it was. */
function createCall(way: Way, { operation, valueBytes, keys = 1, hot = false }: Load): (n: number) => Promise<number> {
  const value = new Uint8Array(valueBytes).map((_, n) => n * 167);
  const keyOf = hot ? () => hotValueKey(valueBytes) : (n: number) => valueKey(valueBytes, n);
  switch (operation) {
    case "get":
      return async (n) => {
        if ((await way.get(keyOf(n))) === undefined) {
          throw new Error(`there is nothing at ${keyOf(n)}`);
        }
        return 1;
      };
    case "set":
      return async (n) => {
        await way.set(keyOf(n), value);
        return 1;
      };
    case "incr": {
      const seen = new Set<bigint>();
      return async (n) => {
        const count = await way.incr(hot ? hotCounterKey : counterKey(n));
        if (hot && seen.size === seen.add(count).size) {
          throw new Error(`two increments were answered ${count}`);
        }
        return 1;
      };
    }
    case "mget":
      return async () => {
        const found = await way.mget(valueKeys(valueBytes, keys));
        if (found !== keys) {
          throw new Error(`${found} of ${keys} keys were found`);
        }
        return keys;
      };
  }
}

/** Stores what is read later, where the engine keeps it. */
export async function fill(way: Way, valueBytes: number): Promise<void> {
  const value = new Uint8Array(valueBytes).map((_, n) => n * 167);
  const keys = valueKeys(valueBytes, storedKeys);
  const rest = { [Symbol.iterator]: () => ({ next: () => keys.next() }) };
  const lane = async () => {
    for (const key of rest) {
      await way.set(key, value);
    }
  };
  await Promise.all([...Array.from({ length: 32 }, lane), way.set(hotValueKey(valueBytes), value)]);
}
