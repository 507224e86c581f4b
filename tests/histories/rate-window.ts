/**
 * A fixed window of a rate limit on the real clock: 200 consumers at once on a new key, of which 50 are allowed, the requests to DynamoDB
 * that it takes, and how far from its second the window ends.
 *
 *     node --import tsx tests/histories/rate-window.ts [--rounds 10]
 */
import { parseArgs } from "node:util";
import { print } from "../../tools/print.js";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const { createClient } = await import("../../client/src/index.js");
const { startFaultProxy } = await import("../../server/src/faults/index.js");
const { startTestServer } = await import("../../server/test/support/test-server.js");

const { values } = parseArgs({ options: { rounds: { type: "string", default: "10" } } });
const consumers = 200;
const window = { limit: 50, windowMs: 1000 };

const server = await startTestServer();
const proxy = await startFaultProxy({ target: server.engine.endpoint });
const { url } = await server.replica({ endpoint: proxy.endpoint });
// Each consumer is a call of its own, as of 200 processes.
const client = createClient({ address: url, batching: false, defaultTimeoutMs: 120_000 });
let isGood = true;
try {
  // Compiles everything.
  await Promise.all(
    Array.from({ length: consumers }, () => client.rateLimit("warm-up", { ...window, windowMs: 600_000 })),
  );
  for (let round = 0, good = 0; good < Number(values.rounds); round++) {
    const result = await measure(`window ${round}`);
    good += result === undefined ? 0 : 1;
    isGood = result !== false && isGood;
  }
} finally {
  client.close();
  await proxy.stop();
  await server.stop();
}
process.exitCode = isGood ? 0 : 1;

/** Undefined where the machine was too busy for the consumers to come within one window. */
async function measure(key: string): Promise<boolean | undefined> {
  proxy.requests.clear();
  const beganAt = Date.now();
  const answers = await Promise.all(Array.from({ length: consumers }, () => client.rateLimit(key, window)));
  const tookMs = Date.now() - beganAt;
  const allowed = answers.filter((answer) => answer.allowed).length;
  const requests = [...proxy.requests.values()].reduce((sum, count) => sum + count, 0);
  const ends = new Set(answers.map(({ resetTime }) => Number(resetTime)));
  const [end = Number.NaN] = ends;
  if (tookMs >= window.windowMs - 200) {
    print(`${tookMs} ms: the machine is too busy`);
    return undefined;
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, end - Date.now() - 100)));
  let lateMs = Number.NEGATIVE_INFINITY;
  let earlyMs = 0;
  for (;;) {
    const sentAt = Date.now();
    const { resetTime } = await client.rateLimit(key, window);
    if (Number(resetTime) !== end) {
      // A new window, which began between then and now.
      earlyMs = Math.max(0, end - Date.now());
      break;
    }
    lateMs = sentAt - end;
  }
  print(
    `${allowed} of ${consumers} allowed in ${tookMs} ms, ${(requests / consumers).toFixed(2)} requests a consume, one end: ${ends.size === 1}; the last call in the window was sent ${-lateMs} ms before its end, the first of the next answered ${earlyMs} ms before it`,
  );
  return allowed === window.limit && requests <= consumers * 1.1 && ends.size === 1 && lateMs <= 20 && earlyMs === 0;
}
