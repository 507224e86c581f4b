import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectSocket, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, type DescMethod, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { pino } from "pino";
import * as assert from "uvu/assert";
import { InfoService } from "../../../gen/dynakv/v1/info_service_pb.js";
import { GetRequestSchema, KeyValueService, MGetRequestSchema } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../../gen/grpc/health/v1/health_pb.js";
import { createAdaptiveLimit } from "../../src/admission/adaptive-limit.js";
import { createAdmissionQueue } from "../../src/admission/admission-queue.js";
import { type CallLimits, createCallLimits } from "../../src/admission/call-limits.js";
import { Call } from "../../src/calls/call.js";
import { type FaultProxy, startFaultProxy } from "../../src/faults/index.js";
import type { ServerOptions } from "../../src/index.js";
import { keepEventLoopBusy } from "../support/busy-loop.js";
import { describeFailure, failureOf } from "../support/errors.js";
import { startExchange } from "../support/grpc-exchange.js";
import { patientDeadlines } from "../support/hold-request.js";
import { suite } from "../support/suite.js";
import { createTransports, type KeyValueClient, startTestServer, type TestServer } from "../support/test-server.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("call limits");
let server: TestServer;
let proxy: FaultProxy;
/** What the proxy was asked to read or write. */
let asked: string[] = [];

test.before(async () => {
  server = await startTestServer();
  proxy = await startFaultProxy({ target: server.engine.endpoint });
});

test.before.each(() => {
  proxy.reset();
  asked = [];
  proxy.decide = ({ body }) => {
    const text = JSON.stringify(body);
    asked.push(text);
    return text.includes('"held"') ? "hang" : "forward";
  };
});

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

/** A server behind the proxy, and what it logs. */
async function startLimited(options: ServerOptions) {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const limited = await server.replica({ endpoint: proxy.endpoint, logger, overload: "adaptive", ...options });
  return { ...limited, lines };
}

/** Begins a call that DynamoDB does not answer, and ends it when it is told to. */
async function holdCall(client: KeyValueClient): Promise<() => Promise<void>> {
  const leave = new AbortController();
  const held = client.get({ key: "held" }, { signal: leave.signal }).catch(() => {});
  await waitUntil("it is in flight", () => wasAsked("held"));
  return async () => {
    leave.abort();
    await held;
  };
}

const wasAsked = (key: string) => asked.some((text) => text.includes(`"${key}"`));

test("an MGet of more keys than there may be is refused, and says how many", async () => {
  const { client, url } = await startLimited({ maxKeys: 3 });
  const failure = await failureOf(client.mGet({ keys: ["a", "b", "c", "d"] }));
  assert.equal([failure.code, failure.reason, failure.field], ["InvalidArgument", "INVALID_FIELD", "keys"]);
  assert.match(failure.message, "4 keys; the limit is 3");
  // Who took the first of two bytes of a length for all of it would find many keys in the second of these.
  const odd = [`${"k".repeat(127)}\n`, "\0\n".repeat(20)];
  for (const [name, transport] of Object.entries(createTransports(url))) {
    for (const keys of [["a", "b", "c"], odd]) {
      const results = [];
      for await (const message of createClient(KeyValueService, transport).mGet({ keys })) {
        results.push(...message.results);
      }
      assert.is(results.length, keys.length, name);
    }
  }
});

test("a call beyond those that may be in flight is refused by every protocol, and let in when there is room", async () => {
  const { client, url } = await startLimited({ maxCalls: 1 });
  const release = await holdCall(client);
  for (const [name, transport] of Object.entries(createTransports(url))) {
    const other = createClient(KeyValueService, transport);
    const get = await failureOf(other.get({ key: "refused" }));
    assert.equal(
      [get.code, get.reason, get.retryable, get.hasRetryInfo, get.outcome],
      ["ResourceExhausted", "OVERLOADED", true, true, "UNSPECIFIED"],
      name,
    );
    const set = await failureOf(other.set({ key: "refused", value: new Uint8Array() }));
    assert.equal([set.reason, set.outcome], ["OVERLOADED", "NOT_APPLIED"], name);
    assert.is((await failureOf(other.mGet({ keys: ["refused"] }))).reason, "OVERLOADED", name);
    const health = await createClient(Health, transport).check({});
    assert.is(health.status, Status.SERVING, "health is answered at any time");
  }
  await release();
  await waitUntilServed(client, 1);
  assert.not.ok(wasAsked("refused"));
});

test("who is refused is told before any of the body has come", async () => {
  const { client, url } = await startLimited({ maxCalls: 1 });
  const release = await holdCall(client);
  const session = connect(url);
  for (const method of ["Get", "MGet"]) {
    const stream = startExchange(session, {
      path: `/${KeyValueService.typeName}/${method}`,
      contentType: "application/grpc",
      body: [],
      unfinished: true,
    });
    const [head] = await once(stream, "response");
    assert.is(head["grpc-status"], "8", method);
    stream.resume().end();
    await once(stream, "close");
  }
  session.close();
  await release();
});

test("the refused are asked to come back at different times", async () => {
  const { client } = await startLimited({ maxCalls: 1 });
  const release = await holdCall(client);
  const details = new Set<string>();
  for (let n = 0; n < 50; n++) {
    const error = await client.get({ key: "refused" }).catch((failure: unknown) => failure);
    details.add((error as { metadata: Headers }).metadata.get("grpc-status-details-bin") ?? "");
  }
  assert.ok(details.size > 3, `${details.size} times to come back`);
  await release();
});

test("refused calls are counted in the log, not told one by one", async () => {
  const { client, lines, server: limited } = await startLimited({ maxCalls: 1 });
  const release = await holdCall(client);
  const startedAt = performance.now();
  for (let n = 0; n < 40; n++) {
    await failureOf(client.get({ key: "refused" }));
  }
  await release();
  await limited.stop();
  const seconds = Math.ceil((performance.now() - startedAt) / 1000);
  assert.is(lines.filter(({ code }) => code === "ResourceExhausted").length, 0);
  const counted = lines.filter(({ msg }) => msg === "calls refused");
  // One at once, and one for what came within a second of it.
  assert.ok(counted.length <= 2 * seconds + 1, `${counted.length} lines in ${seconds} s`);
  assert.is(
    counted.reduce((sum, { maxCalls }) => sum + Number(maxCalls), 0),
    40,
  );
});

/** A gRPC session from another address of this machine. */
function connectFrom(url: string, localAddress: string): ClientHttp2Session {
  const { hostname, port } = new URL(url);
  return connect(url, { createConnection: () => connectSocket({ host: hostname, port: Number(port), localAddress }) });
}

async function statusOfGet(session: ClientHttp2Session, key: string): Promise<string> {
  const body = encodeEnvelope(0, toBinary(GetRequestSchema, create(GetRequestSchema, { key })));
  const path = `/${KeyValueService.typeName}/Get`;
  const stream = startExchange(session, { path, contentType: "application/grpc", body: [body] });
  let status = "";
  const note = (headers: Record<string, unknown>) => {
    status = String(headers["grpc-status"] ?? status);
  };
  stream.on("response", note);
  stream.on("trailers", note);
  stream.resume();
  await once(stream, "close");
  return status;
}

test("one caller's calls leave room for those of another", async () => {
  const { client, url } = await startLimited({ maxCallsPerCaller: 1 });
  const release = await holdCall(client);
  assert.match((await failureOf(client.get({ key: "refused" }))).message, "this caller");
  const other = connectFrom(url, "127.0.0.2");
  assert.is(await statusOfGet(other, "let in"), "0");
  other.close();
  await release();
  await waitUntilServed(client, 1);
});

test("a caller whose calls fill the limit keeps no other waiting, also when the processor has no rest", async () => {
  const { url } = await startLimited({});
  // More in all than the limit is to begin with, and none of them is ever answered.
  const sessions = Array.from({ length: 11 }, () => connect(url));
  const calmDown = keepEventLoopBusy(15);
  for (const session of sessions) {
    for (let n = 0; n < 100; n++) {
      statusOfGet(session, "held").catch(() => {});
    }
  }
  await Promise.all(sessions.map((session) => new Promise((resolve) => session.ping(resolve))));
  const other = connectFrom(url, "127.0.0.2");
  assert.is(await statusOfGet(other, "let in"), "0");
  calmDown();
  for (const session of [...sessions, other]) {
    session.destroy();
  }
});

test("what calls send while they wait to be let in is held within the budget", async () => {
  const { url } = await startLimited({ memoryBytes: 8_000_000 });
  const session = connect(url, { maxSessionMemory: 1000 });
  const path = `/${KeyValueService.typeName}/MGet`;
  const held = encodeEnvelope(0, toBinary(MGetRequestSchema, create(MGetRequestSchema, { keys: ["held"] })));
  const large = encodeEnvelope(0, new Uint8Array(60_000));
  const answers: string[] = [];
  const begin = (body: Uint8Array, unfinished: boolean) => {
    const stream = startExchange(session, { path, contentType: "application/grpc", body: [body], unfinished });
    stream.on("response", (fields) => answers.push(String(fields["grpc-message"])));
    stream.on("error", () => {});
  };
  const calmDown = keepEventLoopBusy(15);
  try {
    // As many as fill the limit, and more that wait.
    for (let n = 0; n < 80; n++) {
      begin(held, false);
    }
    for (let n = 0; n < 150; n++) {
      begin(large, true);
    }
    await waitUntil("one is refused", () => answers.some((message) => message.includes("memory")));
  } finally {
    calmDown();
    session.destroy();
  }
});

/** A queue of calls of weight 1, named by their caller's letter, and what has started of them. */
function queueCalls(names: readonly string[]) {
  const queue = createAdmissionQueue();
  const started: string[] = [];
  for (const name of names) {
    const [caller = ""] = name;
    const start = () => started.push(name);
    const beginBy = Number.POSITIVE_INFINITY;
    queue.add({ call: createCall(get), caller, weight: 1, beginBy, start, giveUp: () => assert.unreachable() });
  }
  return { queue, started };
}

test("a call whose time has passed gives up, at its turn or before, and the next one of its caller starts", () => {
  const queue = createAdmissionQueue();
  const told: string[] = [];
  const add = (name: string, caller: string, beginBy: number) => {
    const start = () => told.push(`${name} starts`);
    const giveUp = () => told.push(`${name} gives up`);
    queue.add({ call: createCall(get), caller, weight: 1, beginBy, start, giveUp });
  };
  add("late", "a", 10);
  add("next", "a", 20);
  add("other", "b", 10);
  queue.startFor("a", () => true, 10);
  queue.dropLate(9);
  assert.equal(told, ["late gives up", "next starts"]);
  queue.dropLate(10);
  assert.equal(told, ["late gives up", "next starts", "other gives up"]);
  assert.ok(queue.isEmpty);
});

test("callers take turns among the calls that wait, and each has its own in their order", () => {
  const { queue, started } = queueCalls(["a1", "a2", "a3", "b1", "c1", "c2"]);
  assert.is(queue.weightBefore("d"), 4, "no more than one of each");
  const startUntil = (count: number) => queue.startWhile(() => started.length < count, 0);
  startUntil(1);
  startUntil(4);
  startUntil(6);
  assert.equal(started, ["a1", "b1", "c1", "a2", "c2", "a3"]);
  assert.ok(queue.isEmpty);
});

test("a caller's own room is for its own calls, and what it has begun counts as its turn", () => {
  const { queue, started } = queueCalls(["a1", "b1", "b2", "b3", "c1"]);
  queue.startFor("b", () => started.length < 2, 0);
  queue.startFor("nobody", () => true, 0);
  assert.equal(started, ["b1", "b2"]);
  queue.startForEach((_, caller) => caller !== "a", 0);
  assert.equal(started, ["b1", "b2", "c1", "b3"]);
  assert.ok(queue.has("a"));
});

test("while there is no room, callers that wait are not gone through, however many they are", () => {
  const { queue } = queueCalls(Array.from({ length: 1000 }, (_, n) => String.fromCodePoint(0x4e00 + n)));
  let asked = 0;
  const hasRoom = () => {
    asked++;
    return false;
  };
  queue.startWhile(hasRoom, 0);
  assert.is(asked, 1);
});

test("calls whose clients have left count no more", async () => {
  const { client, url } = await startLimited({ maxCalls: 20 });
  for (const transport of Object.values(createTransports(url))) {
    const other = createClient(KeyValueService, transport);
    for (let n = 0; n < 20; n++) {
      const leave = new AbortController();
      const left = other.get({ key: "held" }, { signal: leave.signal }).catch(() => {});
      setImmediate(() => leave.abort());
      await left;
    }
  }
  await waitUntilServed(client, 20);
});

test("requests in a pipeline whose client has left count no more", async () => {
  const { client, url } = await startLimited({ maxCalls: 20 });
  const { hostname: host, port } = new URL(url);
  const request = (key: string) => {
    const body = JSON.stringify({ key });
    const fields = `host: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
    return `POST /${KeyValueService.typeName}/Get HTTP/1.1\r\n${fields}\r\n\r\n${body}`;
  };
  const socket = connectSocket({ host, port: Number(port) });
  socket.write(request("held") + Array.from({ length: 18 }, (_, n) => request(`pipelined-${n}`)).join(""));
  await waitUntil("the last of them is asked", () => wasAsked("pipelined-17"));
  socket.destroy();
  await waitUntilServed(client, 20);
});

/** A call of which the limits know no more than this. */
function createCall(method: DescMethod, remoteAddress = "192.0.2.1"): Call {
  const path = `/${method.parent.typeName}/${method.name}`;
  return new Call({ path, httpMethod: "POST", method, headers: {}, socket: { remoteAddress } as Socket });
}

const { get, mGet, set, incr, mSet } = KeyValueService.method;

function createLimits(maxCalls = 10_000) {
  const options = {
    maxCalls,
    maxCallsPerCaller: maxCalls,
    memoryBytes: 16_777_216,
    isAdaptive: true,
    defaultDeadlineMs: 30_000,
  };
  return createCallLimits({ ...options, logger: pino({ level: "silent" }) });
}

test("one address may have very many calls of health open, but not any number, and another has its own", () => {
  const limits = createLimits();
  const calls = Array.from({ length: 1000 }, () => createCall(Health.method.watch));
  for (const call of calls) {
    assert.is(limits.interceptor(call), undefined);
  }
  assert.throws(() => limits.interceptor(createCall(Health.method.check)));
  assert.is(limits.interceptor(createCall(Health.method.check, "192.0.2.2")), undefined);
  assert.is(limits.interceptor(createCall(get)), undefined);
  calls[0]?.end();
  assert.is(limits.interceptor(createCall(Health.method.check)), undefined);
  limits.stop();
});

test("of the calls in flight those that may write are counted apart", () => {
  const limits = createLimits();
  const methods = [get, set, mGet, incr, mSet, InfoService.method.getInfo, Health.method.check];
  const calls = methods.map((method) => createCall(method));
  for (const call of calls) {
    limits.interceptor(call);
  }
  assert.is(limits.writes, 3);
  for (const call of calls) {
    call.end();
  }
  assert.is(limits.writes, 0);
  limits.stop();
});

test("a caller is let in below its share of the limit however many calls it has made before", () => {
  const limits = createLimits();
  const others = Array.from({ length: 1024 }, () => createCall(get));
  for (const call of others) {
    assert.is(limits.interceptor(call), undefined);
  }
  for (let round = 0; round < 1000; round++) {
    const own = [createCall(get, "192.0.2.2"), createCall(get, "192.0.2.2")];
    for (const call of own) {
      assert.is(limits.interceptor(call), undefined, `round ${round}`);
    }
    for (const call of own) {
      call.end();
    }
  }
  for (const call of others) {
    call.end();
  }
  limits.stop();
});

test("streams that fill the limit leave room for unary calls, also for those that wait behind a stream", async () => {
  const limits = createLimits();
  const streams = Array.from({ length: 64 }, () => createCall(mGet));
  for (const stream of streams) {
    assert.is(limits.interceptor(stream), undefined);
  }
  const waiting = createCall(mGet);
  const isWaiting = limits.interceptor(waiting);
  assert.instance(isWaiting, Promise);
  const gets = Array.from({ length: 65 }, () => createCall(get));
  const entered = gets.map((call) => limits.interceptor(call));
  assert.is(entered.filter((each) => each === undefined).length, 64);
  gets[0]?.end();
  await entered.at(-1);
  for (const call of [...gets, ...streams]) {
    call.end();
  }
  await isWaiting;
  limits.stop();
});

/** Streams that fill the limit, and that are let go since their clients leave them unread. */
async function letGoUnread(limits: CallLimits): Promise<Call[]> {
  const streams = Array.from({ length: 64 }, () => createCall(mGet));
  for (const stream of streams) {
    assert.is(limits.interceptor(stream), undefined);
    stream.onStall?.(true);
  }
  // To ask whether there is room would have the limit grow.
  await sleep(300);
  return streams;
}

test("streams that were let go while their clients left them unread are not let go again at their end", async () => {
  const limits = createLimits();
  const streams = await letGoUnread(limits);
  for (const stream of streams) {
    stream.end();
  }
  let taken = 0;
  while (limits.batches.tryTake()) {
    taken++;
  }
  assert.ok(taken <= limits.limit / 16 + 1, `${taken} batches, with a limit of ${limits.limit}`);
  for (; taken > 0; taken--) {
    limits.batches.giveBack();
  }
  limits.stop();
});

test("streams that were let go while their clients left them unread, and are woken after their end, keep no room", async () => {
  const limits = createLimits();
  const streams = await letGoUnread(limits);
  for (const stream of streams) {
    stream.end();
    // Who has written to a client that has left is woken, whatever the protocol.
    stream.onStall?.(false);
  }
  assert.ok(limits.batches.tryTake());
  limits.batches.giveBack();
  limits.stop();
});

test("an answer that its client leaves lying keeps no other call waiting", () => {
  const limits = createLimits();
  const gets = Array.from({ length: 1024 }, () => createCall(get));
  for (const call of gets) {
    assert.is(limits.interceptor(call), undefined);
  }
  const waiting = createCall(get);
  const isLetIn = limits.interceptor(waiting);
  assert.is(limits.waiting, 1);
  gets[0]?.onStall?.(true);
  assert.is(limits.waiting, 0);
  gets[0]?.onStall?.(false);
  gets[0]?.end();
  const last = createCall(get);
  limits.interceptor(last);
  assert.is(limits.waiting, 1, "its room is given away once");
  for (const call of [...gets, waiting, last]) {
    call.end();
  }
  limits.stop();
  return isLetIn as Promise<void>;
});

test("a call that waits is let in when the processor rests, also when no other comes", async () => {
  const limits = createLimits();
  // As many streams as fill the first limit.
  for (let n = 0; n < 64; n++) {
    await limits.interceptor(createCall(mGet));
  }
  // So long that the meter has no call to look for any more.
  const calmDown = keepEventLoopBusy(25);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const letIn = limits.interceptor(createCall(mGet));
  await new Promise((resolve) => setTimeout(resolve, 2500));
  calmDown();
  await letIn;
  limits.stop();
});

test("answers that their client does not take count as long as they are held", async () => {
  const { client, url } = await startLimited({ maxCallsPerCaller: 5, maxCalls: 100 });
  await client.set({ key: "large", value: new Uint8Array(100_000) });
  const session = connect(url, { settings: { initialWindowSize: 0 } });
  const body = encodeEnvelope(0, toBinary(GetRequestSchema, create(GetRequestSchema, { key: "large" })));
  const path = `/${KeyValueService.typeName}/Get`;
  const exchanges = Array.from({ length: 5 }, () =>
    startExchange(session, { path, contentType: "application/grpc", body: [body] }),
  );
  await Promise.all(exchanges.map((stream) => once(stream, "response")));
  assert.match((await failureOf(client.get({ key: "one more" }))).message, "this caller");
  session.destroy();
  await waitUntilServed(client, 1);
});

/** So many calls at once are served. A server hears a little later than its client that this has left. */
async function waitUntilServed(client: KeyValueClient, count: number): Promise<void> {
  await waitUntil(`${count} calls at once are served`, async () => {
    // All have ended before the next are made: those would find them in flight.
    const calls = await Promise.allSettled(Array.from({ length: count }, () => client.get({ key: "let in" })));
    return calls.every(({ status }) => status === "fulfilled");
  });
}

test("what has no chance under overload is refused without asking DynamoDB, and afterwards all are served", async () => {
  const { client, url } = await startLimited({});
  await client.get({ key: "before" });
  const outcomes = await callWhileBusy(url);
  assert.ok([...outcomes.values()].includes("OK"), "some are served");
  const refused = [...outcomes.keys()].filter((key) => outcomes.get(key) === "OVERLOADED");
  assert.ok(refused.length > 0, "some are refused");
  assert.equal(refused.filter(wasAsked), [], "and DynamoDB has not heard of them");
  await waitUntilServed(client, 200);
});

/** Makes many calls while the processor has more to do than it can. Resolves with what each key was answered. */
async function callWhileBusy(url: string): Promise<ReadonlyMap<string, string>> {
  // The event loop has no rest, and each of its rounds takes long.
  const calmDown = keepEventLoopBusy(40);
  const outcomes = new Map<string, string>();
  const keys = Array.from({ length: 1200 }, (_, n) => `busy-${n}`);
  const transport = createGrpcTransport({ baseUrl: url });
  const other = createClient(KeyValueService, transport);
  await Promise.all(
    keys.map(async (key, n) => {
      // They come for a while, as calls do.
      await new Promise((resolve) => setTimeout(resolve, n * 1.3));
      try {
        await other.get({ key });
        outcomes.set(key, "OK");
      } catch (error) {
        const { code, reason } = describeFailure(error as never);
        outcomes.set(key, reason === "OVERLOADED" ? reason : code);
      }
    }),
  );
  calmDown();
  return outcomes;
}

test("with overload off nothing is refused for the processor's sake", async () => {
  const { url } = await startLimited({ overload: "off", ...patientDeadlines });
  assert.equal([...new Set((await callWhileBusy(url)).values())], ["OK"]);
});

const look = (isSaturated: boolean, lagMs: number) => ({ isSaturated, lagMs, elapsedMs: 20 + lagMs });

test("a slow DynamoDB is no overload: the limit grows until all is let in", () => {
  const limit = createAdaptiveLimit({ min: 10, initial: 100, max: 1000 });
  for (let n = 0; n < 10; n++) {
    limit.learn(look(false, 0), 100, true);
  }
  assert.is(limit.current, 1000);
});

test("the limit follows what the processor carries, and comes back when there is rest", () => {
  const limit = createAdaptiveLimit({ min: 10, initial: 100, max: 1000 });
  limit.learn(look(true, 5), 90, false);
  limit.learn(look(true, 1), 90, false);
  limit.learn(look(true, 8), 90, true);
  assert.is(limit.current, 100, "work alone is no overload, and no reason to let in more");
  limit.learn(look(true, 40), 60, true);
  assert.ok(limit.current < 60, "it begins with what was in flight");
  for (let n = 0; n < 50; n++) {
    limit.learn(look(true, 100), 1000, true);
  }
  assert.is(limit.current, 10);
  limit.learn(look(true, 1), 10, true);
  assert.ok(limit.current > 10, "and feels its way up");
  for (let n = 0; n < 10; n++) {
    limit.learn(look(false, 0), 10, false);
  }
  assert.is(limit.current, 100, "without a need, no further than where it began");
});

test.run();
