import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type DynakvClient } from "../../../client/src/index.js";

/** A caller who does nothing wrong, and must notice nothing of those who do. */
export interface OrdinaryCaller {
  /** How many of its calls were answered. */
  readonly calls: number;
  /** Stops calling, and resolves once the last answer has come, and the counter was read. */
  stop(): Promise<void>;
}

const pauseMs = 4;
/** Keys that no hostile input names. */
const counterKey = "ordinary-counter";

/** Sets and gets a value in turns, and counts, each answer being held to what it must be. */
export function startOrdinaryCaller(url: string, onProblem: (problem: string) => void): OrdinaryCaller {
  const client = createClient({ address: url });
  const stopping = new AbortController();
  let calls = 0;

  async function run(what: string, turn: (n: bigint) => Promise<void>): Promise<void> {
    for (let n = 1n; !stopping.signal.aborted; n++) {
      try {
        await turn(n);
      } catch (error) {
        onProblem(`an ordinary caller's ${what} failed: ${error}`);
        // What counts on the turn before would only fail again.
        return;
      }
      await sleep(pauseMs);
    }
  }

  const running = Promise.all([
    run("set and get", async (n) => {
      await setAndGet(client, n);
      calls += 2;
    }),
    run("incr", async (n) => {
      equal("incr", await client.incr(counterKey), n);
      calls += 1;
    }),
  ]);

  return {
    get calls() {
      return calls;
    },
    async stop() {
      stopping.abort();
      await running;
      client.close();
    },
  };
}

async function setAndGet(client: DynakvClient, n: bigint): Promise<void> {
  const value = Buffer.from(`value ${n}`);
  const { etag } = await client.set("ordinary-value", value);
  const entry = await client.get("ordinary-value", { consistency: "strong" });
  equal("get", entry?.kind === "value" ? Buffer.from(entry.value).toString() : entry, value.toString());
  equal("etag", entry?.etag, etag);
}

/** One call on a new connection. */
export async function callAfresh(url: string): Promise<void> {
  const client = createClient({ address: url, batching: false, retries: false });
  try {
    await client.get("ordinary-value");
  } finally {
    client.close();
  }
}

function equal(what: string, actual: unknown, wanted: unknown): void {
  if (actual !== wanted) {
    throw new Error(`${what}: got ${actual}, not ${wanted}`);
  }
}
