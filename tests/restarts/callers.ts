import { createClient as createGrpcJsClient } from "../../client/src/grpc-js.js";
import { createClient, type DynakvClient, DynakvError } from "../../client/src/index.js";
import { createClient as createWebClient } from "../../client/src/web.js";

/** Each entry of the client, in each protocol and version of HTTP that it has, as it comes. */
export const entries: Readonly<Record<string, (address: string) => DynakvClient>> = {
  gRPC: (address) => createClient({ address }),
  Connect: (address) => createClient({ address, protocol: "connect" }),
  "Connect over HTTP/1.1": (address) => createClient({ address, httpVersion: "1.1" }),
  "gRPC-web over HTTP/1.1": (address) => createClient({ address, protocol: "grpc-web", httpVersion: "1.1" }),
  "grpc-js": (address) => createGrpcJsClient({ address }),
  fetch: (address) => createWebClient({ address }),
};

/** What the callers of one entry have done. */
export interface Done {
  calls: number;
  failed: string[];
  /** What a read, or the end, showed otherwise than it was written. */
  wrong: string[];
}

/** Number of callers of each entry; each has keys of its own. */
const callersEach = 4;
const streamKeys = 300;

/** Has callers write, read, count and stream, until it is told to stop. Resolves with what came of it once the last call has ended. */
export function startCallers(name: string, client: DynakvClient): () => Promise<Done> {
  const done: Done = { calls: 0, failed: [], wrong: [] };
  let isOver = false;
  let increments = 0n;
  /** Those that have failed, and may have been carried out. */
  let doubtful = 0n;

  async function attempt<T>(what: string, call: () => Promise<T>): Promise<T | undefined> {
    const startedAt = performance.now();
    try {
      const result = await call();
      done.calls++;
      return result;
    } catch (error) {
      const told = error instanceof DynakvError ? `${error.reason} ${error.outcome}` : (error as Error).name;
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      done.failed.push(`${what}: ${told} ${(error as Error).message} (after ${seconds} s)`);
      return undefined;
    }
  }

  async function go(caller: number): Promise<void> {
    const key = `${name} ${caller}`;
    const keys = Array.from({ length: streamKeys }, (_, n) => (n % 100 === 0 ? key : `${key} missing ${n}`));
    for (let n = 0; !isOver; n++) {
      const value = String(n);
      const isWritten = await attempt("set", () => client.set(key, Buffer.from(value)).then(() => true));
      const entry = await attempt("get", () => client.get(key, { consistency: "strong" }));
      const seen = entry?.kind === "value" ? Buffer.from(entry.value).toString() : undefined;
      if (isWritten === true && entry !== undefined && seen !== value) {
        done.wrong.push(`${key} is ${seen} after ${value} was written`);
      }
      if ((await attempt("incr", () => client.incr(`${name} counter`))) !== undefined) {
        increments++;
      } else {
        doubtful++;
      }
      const found = await attempt("mget", () => client.mget(keys).toMap());
      if (isWritten === true && found !== undefined && !found.has(key)) {
        done.wrong.push(`${key} is missing from an mget`);
      }
      const many = Array.from({ length: 20 }, (_, place) => ({
        key: `${key} of many ${place}`,
        value: Buffer.from(value),
      }));
      const answered = await attempt("mset", async () => await client.mset(many));
      if (answered !== undefined && answered.succeeded !== many.length) {
        done.wrong.push(`${key}: an mset has stored ${answered.succeeded} of ${many.length}`);
      }
    }
  }

  const all = Array.from({ length: callersEach }, (_, caller) => go(caller));
  return async () => {
    isOver = true;
    await Promise.all(all);
    const counter = await client.get(`${name} counter`, { consistency: "strong" });
    const counted = counter?.kind === "counter" ? counter.counter : undefined;
    if (counted === undefined || counted < increments || counted > increments + doubtful) {
      done.wrong.push(`the counter is ${counted} after ${increments} answered increments and ${doubtful} failed ones`);
    }
    await client.close();
    return done;
  };
}
