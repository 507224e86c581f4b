import { createClient } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { failureOf } from "../support/errors.js";
import { type ObservedServer, startObservedServer } from "../support/observed-server.js";
import { type CollectedSpan, type OtlpCollector, startOtlpCollector } from "../support/otlp-collector.js";
import { spawnServer } from "../support/spawn-server.js";
import { suite } from "../support/suite.js";
import { createTransports } from "../support/test-server.js";

const test = suite("traces");
const serverKind = 2;
const clientKind = 3;
const errorStatus = 2;
let collector: OtlpCollector;

test.before(async () => {
  collector = await startOtlpCollector();
});

test.before.each(() => {
  collector.spans.length = 0;
  collector.requests.length = 0;
});

test.after(() => collector.stop());

/** Runs something on a server that traces, and returns the spans once it has stopped. */
async function traced(
  act: (observed: ObservedServer) => Promise<unknown>,
  environment: Record<string, string> = {},
): Promise<CollectedSpan[]> {
  const variables = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    ...environment,
  };
  Object.assign(process.env, variables);
  try {
    const observed = await startObservedServer();
    try {
      await act(observed);
    } finally {
      await observed.stop();
    }
  } finally {
    for (const name of Object.keys(variables)) {
      delete process.env[name];
    }
  }
  return collector.spans;
}

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const headers = { traceparent: `00-${traceId}-${spanId}-01`, "x-request-id": "call-1" };

test("a Get is a span of its caller's trace, and has its call to DynamoDB below it, without the key", async () => {
  let table = "";
  const spans = await traced(async (observed) => {
    ({ table } = observed);
    await observed.client.get({ key: "planted-key" }, { headers });
  });
  const [call, ...others] = spans.filter(({ kind }) => kind === serverKind);
  const [request, ...more] = spans.filter(({ kind }) => kind === clientKind);
  assert.equal([others.length, more.length], [0, 0]);
  assert.equal([call?.traceId, call?.parentSpanId, call?.name], [traceId, spanId, "dynakv.v1.KeyValueService/Get"]);
  assert.equal(call?.attributes, {
    "rpc.system.name": "grpc",
    "rpc.method": "dynakv.v1.KeyValueService/Get",
    "rpc.status_code": "OK",
    "dynakv.request_id": "call-1",
    "network.peer.address": "127.0.0.1",
    "network.protocol.version": "2",
  });
  assert.equal([request?.traceId, request?.parentSpanId, request?.name], [traceId, call?.spanId, "DynamoDB.GetItem"]);
  const { "aws.dynamodb.consumed_capacity": consumed, ...attributes } = request?.attributes ?? {};
  assert.equal(attributes, {
    "rpc.system.name": "aws-api",
    "rpc.method": "DynamoDB/GetItem",
    "db.system.name": "aws.dynamodb",
    "db.operation.name": "GetItem",
    "db.collection.name": table,
    "aws.dynamodb.table_names": [table],
  });
  assert.equal(consumed, [JSON.stringify({ TableName: table, CapacityUnits: 0.5 })]);
  assert.not.match(JSON.stringify(spans), "planted");
  assert.is(collector.resources.at(-1)?.["service.name"], "dynakv");
});

for (const protocol of ["Connect over HTTP/1.1", "gRPC-web over HTTP/2", "Connect with GET"]) {
  test(`${protocol}: MGet, Scan and Get too`, async () => {
    const spans = await traced(
      async ({ url }) => {
        const transport = createTransports(url)[protocol];
        assert.ok(transport);
        const client = createClient(KeyValueService, transport);
        await client.get({ key: "k" }, { headers });
        for await (const _ of client.mGet({ keys: ["a", "b"] }, { headers })) {
          // Only that it ends matters.
        }
        for await (const _ of client.scan({}, { headers })) {
          // Here too.
        }
      },
      { OTEL_SERVICE_NAME: "mine" },
    );
    const calls = spans.filter(({ kind }) => kind === serverKind);
    const requests = spans.filter(({ kind }) => kind === clientKind);
    assert.equal(calls.map(({ name }) => name.split("/")[1]).sort(), ["Get", "MGet", "Scan"]);
    assert.equal(
      calls.map((call) => call.parentSpanId),
      [spanId, spanId, spanId],
    );
    assert.equal(
      requests.map(({ name, parentSpanId }) => [name, calls.some((call) => call.spanId === parentSpanId)]).sort(),
      [
        ["DynamoDB.BatchGetItem", true],
        ["DynamoDB.GetItem", true],
        ["DynamoDB.Scan", true],
      ],
    );
    assert.is(collector.resources.at(-1)?.["service.name"], "mine");
  });
}

test("a write of several increments is below the first of them, and linked with the others, both ways", async () => {
  const spans = await traced(async ({ client }) => {
    await client.incr({ key: "n" });
    await Promise.all(Array.from({ length: 5 }, () => client.incr({ key: "n" })));
  });
  const calls = new Map(spans.filter(({ kind }) => kind === serverKind).map((span) => [span.spanId, span]));
  assert.is(calls.size, 6);
  const shared = spans.filter(({ kind, links }) => kind === clientKind && links.length > 0);
  assert.is(shared.length, 1);
  const [write] = shared as [CollectedSpan];
  assert.is(write.name, "DynamoDB.UpdateItem");
  const parent = calls.get(write.parentSpanId ?? "");
  assert.is(parent?.traceId, write.traceId);
  assert.is(write.attributes["dynakv.calls"], write.links.length + 1);
  for (const link of write.links) {
    const other = calls.get(link.spanId);
    assert.ok(other !== undefined && other !== parent);
    assert.equal(
      other.links.map((each) => each.spanId),
      [write.spanId],
    );
  }
});

test("a failure shows what it was, and neither its message nor the caller's mistakes as errors", async () => {
  const spans = await traced(async ({ client, proxy }) => {
    await failureOf(client.get({ key: "" }));
    proxy.decide = ({ operation }) =>
      operation === "PutItem"
        ? { kind: "answer", status: 400, body: { __type: "a#AccessDeniedException", message: "planted-message" } }
        : "forward";
    await failureOf(client.set({ key: "planted-key", value: Buffer.from("planted-value") }));
  });
  const [refused, failed] = spans.filter(({ kind }) => kind === serverKind);
  assert.equal([refused?.attributes["rpc.status_code"], refused?.status.code ?? 0], ["InvalidArgument", 0]);
  assert.equal(failed?.attributes["dynakv.error_reason"], "BACKEND_DENIED");
  assert.equal(failed?.status, { code: errorStatus });
  const request = spans.find(({ name }) => name === "DynamoDB.PutItem");
  assert.equal([request?.attributes["error.type"], request?.status], ["denied", { code: errorStatus }]);
  assert.not.match(JSON.stringify(collector.requests.map(({ body }) => body.toString())), "planted");
});

test("what is not sampled, and health checks, are not exported", async () => {
  const unsampled = { traceparent: `00-${traceId}-${spanId}-00` };
  await traced(({ client }) => client.get({ key: "k" }, { headers: unsampled }));
  await traced(({ client }) => client.get({ key: "k" }), { OTEL_TRACES_SAMPLER: "always_off" });
  await traced(({ client }) => client.get({ key: "k" }), { OTEL_SDK_DISABLED: "true" });
  await traced(({ client }) => client.get({ key: "k" }), { OTEL_TRACES_EXPORTER: "none" });
  await traced(({ url }) => fetch(`${url}/grpc.health.v1.Health/Check`, { method: "POST" }));
  assert.is(collector.requests.length, 0);
});

test("protobuf is the default, and an exporter that there is not is told", async () => {
  await traced(({ client }) => client.get({ key: "k" }), { OTEL_EXPORTER_OTLP_PROTOCOL: "" });
  const [request] = collector.requests;
  assert.is(request?.contentType, "application/x-protobuf");
  assert.ok(request?.body.includes("dynakv.v1.KeyValueService/Get"));

  let lines: unknown[] = [];
  const askForGrpc = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
  await traced(async (observed) => {
    ({ lines } = observed);
    await observed.client.get({ key: "k" });
  }, askForGrpc);
  assert.match(JSON.stringify(lines), "no traces: OTEL_EXPORTER_OTLP_PROTOCOL can be http/protobuf or http/json");
});

test("a collector that is away is told once, and holds nobody up", async () => {
  let lines: { msg: string }[] = [];
  await traced(
    async (observed) => {
      ({ lines } = observed);
      await observed.client.get({ key: "k" });
    },
    // Within which it gives up.
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_TIMEOUT: "200" },
  );
  assert.ok(lines.filter(({ msg }) => msg === "trace export failed").length <= 1);
  assert.is(lines.at(-1)?.msg, "stopped");
});

/** Has the names of all modules printed that are loaded. */
const tellModules = `data:text/javascript,${encodeURIComponent(`
  import { register } from "node:module";
  register("data:text/javascript," + encodeURIComponent(\`
    import { writeSync } from "node:fs";
    export async function resolve(specifier, context, next) {
      tell("loads " + specifier + "\\\\n");
      return next(specifier, context);
    }
    // Its reader may be busy, and the pipe full.
    function tell(line) {
      for (let isTold = false; !isTold; ) {
        try {
          writeSync(2, line);
          isTold = true;
        } catch ({ code }) {
          isTold = code !== "EAGAIN";
        }
      }
    }
  \`));
`)}`;

test("nothing is loaded for what is off", async () => {
  const loaded = async (flags: string[], environment: Record<string, string>) => {
    const options = { ...environment, NODE_OPTIONS: `--import ${tellModules}` };
    const spawned = await spawnServer(["--data", "memory", ...flags], options);
    spawned.process.kill("SIGTERM");
    await spawned.exit;
    return ["prom-client", "@opentelemetry"].filter((name) => spawned.stderr().includes(`loads ${name}`));
  };
  assert.equal(await loaded([], {}), []);
  assert.equal(await loaded(["--admin-listen", "127.0.0.1:0"], {}), ["prom-client"]);
  assert.equal(await loaded([], { OTEL_TRACES_EXPORTER: "otlp" }), ["@opentelemetry"]);
});

test.run();
