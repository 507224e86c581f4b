/**
 * Has many callers take the same entries, while requests to DynamoDB, its answers, and the server's answers are lost: each entry is
 * given to exactly one of them.
 *
 *     node --import tsx tests/histories/takes.ts [--callers 200] [--entries 1000] [--lost 0.1] [--seed 1]
 */
import { parseArgs } from "node:util";
import type { Interceptor } from "@connectrpc/connect";
import { print } from "../../tools/print.js";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const { Code, ConnectError } = await import("@connectrpc/connect");
const { createClient, DynakvError } = await import("../../client/src/index.js");
const { startFaultProxy } = await import("../../server/src/faults/index.js");
const { createRandom } = await import("../../server/test/support/random.js");
const { startTestServer } = await import("../../server/test/support/test-server.js");

const { values } = parseArgs({
  options: {
    callers: { type: "string", default: "200" },
    entries: { type: "string", default: "1000" },
    lost: { type: "string", default: "0.1" },
    seed: { type: "string", default: "1" },
  },
});
const callers = Number(values.callers);
const keys = Array.from({ length: Number(values.entries) }, (_, n) => `entry ${n}`);

const server = await startTestServer();
const proxy = await startFaultProxy({ target: server.engine.endpoint });
const replicas = [
  await server.replica({ endpoint: proxy.endpoint }),
  await server.replica({ endpoint: proxy.endpoint }),
];
const timeoutMs = 600_000;
const clients = replicas.flatMap(({ url }) =>
  [true, false].map((batching) =>
    createClient({ address: url, batching, defaultTimeoutMs: timeoutMs, interceptors: [loseAnswers] }),
  ),
);
const answers = createRandom(Number(values.seed), "answers");
let losesAnswers = false;
const given = new Map<string, number>();
const doubted = new Map<string, number>();
let takes = 0;
try {
  await clients[0]?.mset(
    keys.map((key) => ({ key, value: Buffer.from(key) })),
    { idempotent: true },
  );
  const faults = createRandom(Number(values.seed), "faults");
  proxy.decide = ({ operation }) =>
    operation === "UpdateItem" && faults.chance(Number(values.lost))
      ? faults.chance(0.5)
        ? "lose-answer"
        : "refuse"
      : "forward";
  losesAnswers = true;
  await Promise.all(Array.from({ length: callers }, (_, n) => takeAll(n)));
} finally {
  for (const client of clients) {
    client.close();
  }
  await proxy.stop();
  await server.stop();
}

const twice = keys.filter((key) => (given.get(key) ?? 0) > 1);
const once = keys.filter((key) => given.get(key) === 1);
const lost = keys.filter((key) => !given.has(key) && doubted.has(key));
const vanished = keys.filter((key) => !given.has(key) && !doubted.has(key));
print(
  `${takes.toLocaleString("en")} takes by ${callers} callers: of ${keys.length} entries ${once.length} were given to one, ${lost.length} to nobody, which a caller was told to be unknown, ${twice.length} to several, and ${vanished.length} vanished`,
);
process.exitCode = once.length === keys.length ? 0 : 1;

/** One caller, who takes all entries in an order of its own. */
async function takeAll(n: number): Promise<void> {
  const random = createRandom(Number(values.seed) * 1000 + n, "caller");
  const client = clients[n % clients.length];
  const order = keys.map((key) => ({ key, at: random.below(1_000_000) })).sort((one, other) => one.at - other.at);
  for (const { key } of order) {
    takes++;
    try {
      const entry = await client?.take(key);
      if (entry !== undefined) {
        given.set(key, (given.get(key) ?? 0) + 1);
      }
    } catch (error) {
      if (!(error instanceof DynakvError) || error.outcome !== "UNKNOWN") {
        throw error;
      }
      doubted.set(key, (doubted.get(key) ?? 0) + 1);
    }
  }
}

/** Loses as many of the server's answers, on their way to the callers. */
function loseAnswers(next: Parameters<Interceptor>[0]): ReturnType<Interceptor> {
  return async (request) => {
    const response = await next(request);
    if (losesAnswers && /Delete$/.test(request.method.name) && answers.chance(Number(values.lost))) {
      throw new ConnectError("the connection was lost", Code.Unavailable);
    }
    return response;
  };
}
