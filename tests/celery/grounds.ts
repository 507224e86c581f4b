/**
 * What Celery is tried on: an engine, a server on it, and what loses answers on both ways. It prints where they are, a line of
 * JSON, and takes lines of JSON that set the faults until its standard input ends.
 *
 *     {"engine": 0.05, "server": 0.05}
 *
 * loses one of twenty answers between DynamoDB and whoever asks it through the proxy, and one of twenty between the server
 * and whoever calls it through the relay. Each line is answered by what has been lost until then.
 */
import { createInterface } from "node:readline";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const { internalServerError, startFaultProxy } = await import("../../server/src/faults/index.js");
const { createServer } = await import("../../server/src/index.js");
const { startTestEngine } = await import("../../server/test/support/engine.js");
const { startLossyRelay } = await import("./lossy-relay.js");

const table = process.env.GROUNDS_TABLE ?? "celery";
const engine = await startTestEngine();
const proxy = await startFaultProxy({ target: engine.endpoint });
const { region, accessKeyId, secretAccessKey } = engine;
const server = createServer({
  listen: "127.0.0.1:0",
  logLevel: "silent",
  overload: "off",
  endpoint: proxy.endpoint,
  region,
  accessKeyId,
  secretAccessKey,
  table,
});
const { url } = await server.start();
const relay = await startLossyRelay(url);
const withoutHttp = (each: string) => each.replace("http://", "");
const boto3 = `dynamodb://${accessKeyId}:${secretAccessKey}@${withoutHttp(proxy.endpoint)}/${table}`;
print({
  dynakv: withoutHttp(url),
  lossy: relay.address,
  boto3,
  endpoint: engine.endpoint,
  table,
  accessKeyId,
  secretAccessKey,
});

for await (const line of createInterface({ input: process.stdin })) {
  const { engine: engineRate = 0, server: serverRate = 0 } = JSON.parse(line) as { engine?: number; server?: number };
  relay.rate = serverRate;
  proxy.setRates([
    { fault: "cut-answer", rate: engineRate / 2 },
    { fault: internalServerError({ applied: true }), rate: engineRate / 2 },
  ]);
  const lost = proxy.log.filter(({ fault }) => fault !== "forward").length;
  print({ engine: lost, server: relay.lost, requests: Object.fromEntries(proxy.requests) });
}
await relay.stop();
await server.stop();
await proxy.stop();
await engine.stop();

function print(json: object): void {
  process.stdout.write(`${JSON.stringify(json)}\n`);
}
