import { type ClientHttp2Session, connect, constants } from "node:http2";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { pino } from "pino";
import * as assert from "uvu/assert";
import { GetInfoRequestSchema } from "../../../gen/dynakv/v1/info_service_pb.js";
import {
  GetRequestSchema,
  IncrRequestSchema,
  MDeleteRequestSchema,
  MGetRequestSchema,
  MSetRequestSchema,
  ResultOrder,
  ScanRequestSchema,
  SetRequestSchema,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { Health, HealthCheckRequestSchema } from "../../../gen/grpc/health/v1/health_pb.js";
import { createMemoryBudget } from "../../src/admission/memory-budget.js";
import { createDeadlineInterceptor } from "../../src/calls/deadline.js";
import { createDispatch } from "../../src/calls/dispatch.js";
import { createErrorReporter } from "../../src/calls/errors/report-error.js";
import { createPipeline } from "../../src/calls/pipeline.js";
import { type FaultProxy, startFaultProxy } from "../../src/faults/index.js";
import { createPort } from "../../src/listener/port.js";
import { exchange, type GrpcAnswer, type GrpcRequest, startExchange } from "../support/grpc-exchange.js";
import { isOwnProbe } from "../support/own-probe.js";
import { suite } from "../support/suite.js";
import { startTestServer, type TestServer } from "../support/test-server.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("plain gRPC, answered directly and by Connect");

/** Both are gRPC's content-type. What stands in capitals, as no client writes it, is left to Connect. */
const contentTypes = { direct: "application/grpc", Connect: "Application/grpc" };
type Path = keyof typeof contentTypes;
const pathNames = Object.keys(contentTypes) as Path[];

const limits = { maxRequestBytes: 524_288, maxKeys: 1000, maxDeadlineMs: 60_000 };
const lines: Record<string, unknown>[] = [];
let server: TestServer;
let proxy: FaultProxy;
let url: string;
let session: ClientHttp2Session;

test.before(async () => {
  server = await startTestServer();
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  const logger = pino({ level: "trace" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const { maxRequestBytes, maxDeadlineMs } = limits;
  const options = {
    maxRequestBytes,
    maxDeadlineSeconds: maxDeadlineMs / 1000,
    endpoint: proxy.endpoint,
    logger,
    accessLog: "all",
  } as const;
  ({ url } = await server.replica(options));
  session = connect(url);
  await server.client.set({ key: "k", value: Buffer.from("a value") });
});

test.before.each(() => {
  lines.length = 0;
  proxy.reset();
});

test.after(async () => {
  session.close();
  await proxy.stop();
  await server.stop();
});

const keyValue = (method: string) => `/dynakv.v1.KeyValueService/${method}`;
const get = keyValue("Get");
const check = "/grpc.health.v1.Health/Check";

function messageOf<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Uint8Array {
  return encodeEnvelope(0, toBinary(schema, create(schema, init)));
}

const mget = keyValue("MGet");
const mset = keyValue("MSet");
const mdelete = keyValue("MDelete");
const scan = keyValue("Scan");

function mgetOf(keys: readonly string[]): Uint8Array {
  return messageOf(MGetRequestSchema, { keys: [...keys], order: ResultOrder.REQUEST });
}

const ifEtag = (etag: string) => ({ test: { case: "ifEtag", value: etag } }) as const;

const getK = messageOf(GetRequestSchema, { key: "k" });

/** What was logged of the calls that failed, without the time that they took. */
function failedCalls() {
  return lines
    .splice(0)
    .filter(({ msg }) => String(msg).startsWith("call failed"))
    .map(({ method, code, reason, outcome, level }) => ({ method, code, reason, outcome, level }));
}

/** The same request on both paths. Connect's answer tells which compression it would use, and so which path it was. */
async function onBothPaths(to: ClientHttp2Session, request: Omit<GrpcRequest, "contentType">) {
  const answers: { answer: GrpcAnswer; failed: object[] }[] = [];
  for (const name of pathNames) {
    const headers = { "grpc-accept-encoding": "gzip", "x-request-id": "call-1", ...request.headers };
    const answer = await exchange(to, { ...request, headers, contentType: contentTypes[name] });
    const { "grpc-encoding": encoding, ...head } = answer.head;
    assert.is(encoding, name === "direct" ? undefined : "gzip", name);
    if (to === session && answer.trailers["grpc-status"] !== "0") {
      // On Connect's path its end comes after that of the answer.
      await waitUntil("the call has ended", () => lines.some(({ msg }) => String(msg).startsWith("call failed")));
    }
    answers.push({ answer: { ...answer, head }, failed: failedCalls() });
  }
  const [direct, byConnect] = answers;
  assert.equal(direct, byConnect);
  return answers[0] as { answer: GrpcAnswer; failed: object[] };
}

const tooLarge = messageOf(SetRequestSchema, { key: "k", value: Buffer.alloc(limits.maxRequestBytes) });
const announcesMuch = Uint8Array.of(0, 0x7f, 0, 0, 0);

/** Each with the status that both paths give it. */
const cases: Record<string, Omit<GrpcRequest, "contentType"> & { status: Code | 0 }> = {
  "a value": { path: get, body: [getK], status: 0 },
  "no value": { path: get, body: [messageOf(GetRequestSchema, { key: "missing" })], status: 0 },
  "byte by byte": { path: get, body: [...getK].map((byte) => Uint8Array.of(byte)), status: 0 },
  "with a deadline": { path: get, body: [getK], headers: { "grpc-timeout": "10S" }, status: 0 },
  "an empty message": { path: check, body: [encodeEnvelope(0, new Uint8Array())], status: 0 },
  "what the server is": {
    path: "/dynakv.v1.InfoService/GetInfo",
    body: [messageOf(GetInfoRequestSchema, {})],
    status: 0,
  },
  "a refused key": { path: get, body: [messageOf(GetRequestSchema, { key: "" })], status: Code.InvalidArgument },
  "a refused write": {
    path: keyValue("Incr"),
    body: [messageOf(IncrRequestSchema, { key: "k" })],
    status: Code.FailedPrecondition,
  },
  "an error that is not ASCII": {
    path: check,
    body: [messageOf(HealthCheckRequestSchema, { service: "süd %\n" })],
    status: Code.NotFound,
  },
  "a question for health that is too long": {
    path: check,
    body: [messageOf(HealthCheckRequestSchema, { service: "s".repeat(5000) })],
    status: Code.InvalidArgument,
  },
  "no message": { path: get, body: [], status: Code.Unimplemented },
  "two messages": { path: get, body: [getK, getK], status: Code.Unimplemented },
  "a message cut short": { path: get, body: [getK.subarray(0, -1)], status: Code.InvalidArgument },
  "a head cut short": { path: get, body: [getK.subarray(0, 3)], status: Code.InvalidArgument },
  "no protobuf": {
    path: get,
    body: [encodeEnvelope(0, Uint8Array.of(0x0a, 200, 1))],
    status: Code.InvalidArgument,
  },
  "a compressed message without an encoding": {
    path: get,
    body: [encodeEnvelope(1, getK.subarray(5))],
    status: Code.InvalidArgument,
  },
  "many keys": { path: mget, body: [mgetOf(["k", "missing", "k", "", "__dynakv_archive__/x"])], status: 0 },
  "no keys": { path: mget, body: [mgetOf([])], status: 0 },
  "very many keys": { path: mget, body: [mgetOf(Array.from({ length: 9000 }, (_, n) => `k${n}`))], status: 0 },
  "many keys byte by byte": { path: mget, body: [...mgetOf(["k"])].map((byte) => Uint8Array.of(byte)), status: 0 },
  "a scan": { path: scan, body: [messageOf(ScanRequestSchema, { prefix: "k" })], status: 0 },
  "a scan from nowhere": {
    path: scan,
    body: [messageOf(ScanRequestSchema, { cursor: "nowhere" })],
    status: Code.InvalidArgument,
  },
  "many keys cut short": { path: mget, body: [mgetOf(["k", "l"]).subarray(0, -1)], status: Code.InvalidArgument },
  "many keys that are no protobuf": {
    path: mget,
    body: [encodeEnvelope(0, Uint8Array.of(0x0a, 200, 1))],
    status: Code.InvalidArgument,
  },
  "very many keys that are no UTF-8": {
    path: mget,
    body: [encodeEnvelope(0, Buffer.concat(Array.from({ length: 30_000 }, () => Uint8Array.of(0x0a, 2, 0x6b, 0xff))))],
    status: Code.InvalidArgument,
  },
  "many keys compressed without an encoding": {
    path: mget,
    body: [encodeEnvelope(1, mgetOf(["k"]).subarray(5))],
    status: Code.InvalidArgument,
  },
  "many keys over the limit": {
    path: mget,
    body: [mgetOf(["k".repeat(limits.maxRequestBytes)])],
    status: Code.InvalidArgument,
  },
  "a refused Set among many": {
    path: mset,
    body: [messageOf(MSetRequestSchema, { entries: [{ key: "k", condition: ifEtag("another") }] })],
    status: 0,
  },
  "a Set of many that names no key": { path: mset, body: [messageOf(MSetRequestSchema, { entries: [{}] })], status: 0 },
  "a Set of many with a field that nobody knows": {
    path: mset,
    body: [encodeEnvelope(0, Uint8Array.of(0x0a, 6, 0x0a, 1, 0x6b, 0xfa, 0x06, 0))],
    status: 0,
  },
  "no Sets": { path: mset, body: [messageOf(MSetRequestSchema, {})], status: 0 },
  "Sets with a field that nobody knows": {
    path: mset,
    body: [encodeEnvelope(0, Uint8Array.of(0xfa, 0x06, 0))],
    status: Code.Unimplemented,
  },
  "Sets cut short": {
    path: mset,
    body: [messageOf(MSetRequestSchema, { entries: [{ key: "k" }] }).subarray(0, -1)],
    status: Code.InvalidArgument,
  },
  "a Set of many whose key is no UTF-8": {
    path: mset,
    body: [encodeEnvelope(0, Uint8Array.of(0x0a, 4, 0x0a, 2, 0x6b, 0xff))],
    status: Code.InvalidArgument,
  },
  "nothing to delete among many": {
    path: mdelete,
    body: [messageOf(MDeleteRequestSchema, { keys: ["missing"] })],
    status: 0,
  },
  "a Delete of many under an id, without an etag": {
    path: mdelete,
    body: [messageOf(MDeleteRequestSchema, { keys: ["k"], requestIds: { 0: "0" } })],
    status: 0,
  },
  "an id of a position that is not there": {
    path: mdelete,
    body: [messageOf(MDeleteRequestSchema, { keys: ["k"], requestIds: { 1: "0" } })],
    status: Code.InvalidArgument,
  },
  "a message over the limit": { path: keyValue("Set"), body: [tooLarge], status: Code.InvalidArgument },
  "a message that announces more than the limit": {
    path: keyValue("Set"),
    body: [announcesMuch],
    unfinished: true,
    status: Code.InvalidArgument,
  },
};

for (const [name, { status, ...request }] of Object.entries(cases)) {
  test(name, async () => {
    const { answer, failed } = await onBothPaths(session, request);
    assert.is(answer.trailers["grpc-status"], String(status));
    assert.is(failed.length, status === 0 ? 0 : 1);
  });
}

test("a deadline that passes while DynamoDB is asked", async () => {
  proxy.decide = ({ operation }) => (operation === "GetItem" ? "hang" : "forward");
  const { answer } = await onBothPaths(session, { path: get, body: [getK], headers: { "grpc-timeout": "150m" } });
  assert.is(answer.trailers["grpc-status"], String(Code.DeadlineExceeded));
});

test("a stream is asked for by one message: none and two are refused, with a reason that Connect does not tell", async () => {
  for (const body of [[], [mgetOf(["k"]), mgetOf(["k"])]]) {
    for (const name of pathNames) {
      const { trailers } = await exchange(session, { path: mget, body, contentType: contentTypes[name] });
      assert.is(trailers["grpc-status"], String(Code.Unimplemented), name);
      assert.match(String(trailers["grpc-message"]), /input%20message%20for%20server-streaming%20method/);
      assert.is(trailers["grpc-status-details-bin"] !== undefined, name === "direct");
    }
  }
});

test("a deadline that passes while DynamoDB is asked for many keys", async () => {
  proxy.decide = ({ operation }) => (operation === "BatchGetItem" ? "hang" : "forward");
  const request = { path: mget, body: [mgetOf(["k", "l"])], headers: { "grpc-timeout": "150m" } };
  const { answer } = await onBothPaths(session, request);
  assert.is(answer.trailers["grpc-status"], String(Code.DeadlineExceeded));
});

test("a deadline that is malformed is refused, one over the limit is shortened, and one that is over has passed", async () => {
  for (const [timeout, status] of [
    ["1", Code.InvalidArgument],
    ["123456789S", Code.InvalidArgument],
    ["-1S", Code.InvalidArgument],
    ["61S", 0],
    ["99999999H", 0],
    ["0m", Code.DeadlineExceeded],
  ] as const) {
    const request = { path: get, contentType: contentTypes.direct, headers: { "grpc-timeout": timeout }, body: [getK] };
    const { head, trailers } = await exchange(session, request);
    assert.is(trailers["grpc-status"] ?? head["grpc-status"], String(status), timeout);
  }
});

for (const name of pathNames) {
  test(`${name}: a client that resets its call ends the request to DynamoDB`, async () => {
    let asked = false;
    proxy.decide = (request) => {
      const isCall = request.operation === "GetItem" && !isOwnProbe(request);
      asked ||= isCall;
      return isCall ? "hang" : "forward";
    };
    const request = { path: get, contentType: contentTypes[name], body: [getK] };
    const stream = startExchange(session, request);
    await waitUntil("DynamoDB is asked", () => asked);
    stream.close(constants.NGHTTP2_CANCEL);
    await waitUntil("the call is reported", () => lines.some(({ code }) => code === "Canceled"));
    assert.equal(
      failedCalls().map(({ code, reason }) => [code, reason]),
      [["Canceled", "CANCELED"]],
    );
  });

  test(`${name}: a client that leaves in the midst of its request is reported, and nothing is done`, async () => {
    const other = connect(url);
    const stream = startExchange(other, {
      path: keyValue("Set"),
      contentType: contentTypes[name],
      body: [messageOf(SetRequestSchema, { key: "left", value: Buffer.alloc(1000) }).subarray(0, 500)],
      unfinished: true,
    });
    stream.on("error", () => {});
    // What comes later on the same connection tells that the other has arrived.
    await exchange(other, {
      path: check,
      contentType: contentTypes[name],
      body: [encodeEnvelope(0, new Uint8Array())],
    });
    other.destroy();
    await waitUntil("the call is reported", () => lines.some(({ msg }) => msg === "call failed"));
    const [failed] = failedCalls();
    // Node takes the end of a connection for the end of the request.
    assert.equal([failed?.code, failed?.outcome], ["InvalidArgument", "NOT_APPLIED"]);
    assert.is((await server.client.get({ key: "left" })).entry, undefined);
  });
}

test("metadata goes both ways, and a service sees the same call", async () => {
  const implementation: Partial<ServiceImpl<typeof Health>> = {
    check({ service }, context) {
      const { requestHeader, responseHeader, responseTrailer } = context;
      responseHeader.set("x-seen", requestHeader.get("x-sent") ?? "");
      responseHeader.append("x-several", "one");
      responseHeader.append("x-several", "two");
      responseHeader.set("x-call", [context.method.name, context.service.typeName, context.requestMethod].join());
      responseHeader.set("x-path", new URL(context.url).pathname);
      responseHeader.set("x-protocol", context.protocolName);
      responseHeader.set("x-left", String((context.timeoutMs() ?? Number.NaN) > 5000));
      responseTrailer.set("x-bytes-bin", requestHeader.get("x-bytes-bin") ?? "");
      if (service !== "") {
        throw new ConnectError("nothing of that name", Code.NotFound, { "x-hint": service });
      }
      return { status: 1 };
    },
  };
  const errors = createErrorReporter(limits, () => {});
  const { signal: shutdownSignal } = new AbortController();
  const services = [{ service: Health, implementation }];
  const pipeline = createPipeline({ deadline: createDeadlineInterceptor(limits.maxDeadlineMs) });
  const memory = createMemoryBudget({ limit: 16 * limits.maxRequestBytes });
  const port = createPort({
    onExchange: createDispatch({
      ...limits,
      services,
      errors,
      pipeline,
      memory,
      shutdownSignal,
      cors: { isAllowedOrigin: () => false },
    }),
    maxStreams: 10,
  });
  const to = connect(`http://127.0.0.1:${(await port.listen("127.0.0.1", 0)).port}`);
  try {
    const headers = { "x-sent": "a, b", "x-bytes-bin": "AQID", "grpc-timeout": "10000m" };
    const fine = await onBothPaths(to, { path: check, headers, body: [messageOf(HealthCheckRequestSchema, {})] });
    assert.is(fine.answer.head["x-seen"], "a, b");
    assert.is(fine.answer.head["x-several"], "one, two");
    assert.is(fine.answer.trailers["x-bytes-bin"], "AQID");
    const unknown = messageOf(HealthCheckRequestSchema, { service: "nothing" });
    const failed = await onBothPaths(to, { path: check, headers, body: [unknown] });
    assert.is(failed.answer.trailers["x-hint"], "nothing");
    assert.is(failed.answer.trailers["grpc-status"], String(Code.NotFound));
  } finally {
    to.close();
    await port.close(1000);
  }
});

test.run();
