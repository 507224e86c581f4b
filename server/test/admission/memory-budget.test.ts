import { connect, constants } from "node:http2";
import { connect as connectSocket, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import * as assert from "uvu/assert";
import { ownTurn, runInSlices } from "../../../common/time-slices.js";
import { GetRequestSchema, KeyValueService, MGetRequestSchema } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { createMemoryBudget } from "../../src/admission/memory-budget.js";
import { memoryLimit } from "../../src/admission/memory-limit.js";
import { Call } from "../../src/calls/call.js";
import type { DynakvError } from "../../src/errors/dynakv-error.js";
import { holdEventLoop } from "../support/busy-loop.js";
import { failureOf } from "../support/errors.js";
import { exchange, startExchange } from "../support/grpc-exchange.js";
import { frame, head, opening, parseFrames } from "../support/http2-frames.js";
import { suite } from "../support/suite.js";
import { startTestServer, type TestServer } from "../support/test-server.js";
import { waitUntil } from "../support/wait-until.js";
import { flags, frameTypes } from "../support/wire/frames.js";

const test = suite("memory budget");
const memoryBytes = 8_000_000;
let server: TestServer;

test.before(async () => {
  server = await startTestServer({ memoryBytes, maxKeys: 200_000 });
  await server.client.set({ key: "large", value: new Uint8Array(390_000) });
  await server.client.set({ key: "small", value: new Uint8Array(10) });
});

test.after(() => server.stop());

const path = (method: string) => `/${KeyValueService.typeName}/${method}`;
const getLarge = encodeEnvelope(0, toBinary(GetRequestSchema, create(GetRequestSchema, { key: "large" })));

test("answers that are not taken are held within the budget, others are refused, and small ones go on", async () => {
  const session = connect(server.url, { settings: { initialWindowSize: 0 } });
  let heads = 0;
  for (let n = 0; n < 40; n++) {
    const stream = startExchange(session, { path: path("Get"), contentType: "application/grpc", body: [getLarge] });
    stream.on("response", () => heads++);
    stream.on("error", () => {});
  }
  await waitUntil("all are answered", () => heads === 40);
  const refused = await failureOf(server.client.get({ key: "large" }));
  assert.equal(
    [refused.code, refused.reason, refused.retryable, refused.hasRetryInfo],
    ["ResourceExhausted", "OVERLOADED", true, true],
  );
  assert.is((await server.client.get({ key: "small" })).entry?.data.case, "value");
  session.destroy();
  await waitUntil("there is room again", () => server.client.get({ key: "large" }).then(Boolean, () => false));
});

test("MGets that nobody reads give way to one that is read, and one whose reader comes back in time is whole", async () => {
  const keys = Array.from({ length: 15 }, (_, n) => `value ${n}`);
  for (const key of keys) {
    await server.client.set({ key, value: new Uint8Array(200_000) });
  }
  const call = {
    path: path("MGet"),
    contentType: "application/grpc",
    body: [encodeEnvelope(0, toBinary(MGetRequestSchema, create(MGetRequestSchema, { keys })))],
  };
  const session = connect(server.url);
  const unread = Array.from({ length: 4 }, () => {
    const stream = startExchange(session, call);
    let bytes = 0;
    let status: unknown;
    stream.on("error", () => {});
    stream.on("trailers", (trailers) => {
      status = trailers["grpc-status"];
    });
    const ended = new Promise<{ code: number; bytes: number; status: unknown }>((resolve) =>
      stream.on("close", () => resolve({ code: stream.rstCode, bytes, status })),
    );
    const comeBack = () => stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
    return { stream, comeBack, ended };
  });
  const { trailers, body } = await exchange(session, call);
  assert.is(trailers["grpc-status"], "0");
  const whole = 15 * 200_000;
  assert.ok(body.length / 2 > whole);
  // Those that were not left come back.
  for (const { stream, comeBack } of unread) {
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR) {
      comeBack();
    }
  }
  const ends = await Promise.all(unread.map(({ ended }) => ended));
  const calm = constants.NGHTTP2_ENHANCE_YOUR_CALM;
  assert.ok(
    ends.some(({ code }) => code === calm),
    "some gave way",
  );
  for (const { code, bytes, status } of ends) {
    assert.ok(code === calm || (status === "0" && bytes > whole), `${code} ${status} ${bytes}`);
  }
  session.destroy();
});

test("bodies that come in crumbs count for the memory that they take, not for their bytes alone", async () => {
  const { hostname: host, port } = new URL(server.url);
  const socket = connectSocket({ host, port: Number(port) });
  let received = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text;
  });
  socket.write(opening());
  // Half a megabyte in all, a sixteenth of the budget.
  const crumbs = Buffer.alloc(60_000, "x");
  const body = encodeEnvelope(0, crumbs).subarray(0, 60_000);
  for (let stream = 1; stream <= 15; stream += 2) {
    const fields = { ":path": path("Set"), ":authority": "localhost", "content-type": "application/grpc" };
    socket.write(frame(frameTypes.headers, flags.endHeaders, stream, head("POST", fields)));
    const pieces = Array.from({ length: body.length / 10 }, (_, n) => body.subarray(n * 10, (n + 1) * 10));
    socket.write(Buffer.concat(pieces.map((piece) => frame(frameTypes.data, 0, stream, piece))));
  }
  await waitUntil("one is refused", () => parseFrames(received).some(({ type }) => type === frameTypes.headers));
  socket.destroy();
});

test("what costs more than it weighs is refused before it is decoded", async () => {
  const session = connect(server.url);
  const bomb = (message: Uint8Array) => encodeEnvelope(1, gzipSync(message));
  const pairs = (first: number, second: number) => Buffer.alloc(4_000_000, Buffer.from([first, second]));
  const cases = [
    ["MGet", pairs(0x0a, 0), /more than 200000 keys/],
    ["Get", pairs(0x78, 1), /more than 10000 fields/],
    // Within the expiry of a Set.
    ["Set", Buffer.concat([Buffer.from([0x1a, 0x80, 0x92, 0xf4, 0x01]), pairs(0x78, 1)]), /more than 10000 fields/],
  ] as const;
  for (const [method, message, expected] of cases) {
    const { head, trailers } = await exchange(session, {
      path: path(method),
      contentType: "application/grpc+proto",
      headers: { "grpc-encoding": "gzip" },
      body: [bomb(message)],
    });
    const told = { ...head, ...trailers };
    assert.is(told["grpc-status"], "3", method);
    assert.match(decodeURIComponent(String(told["grpc-message"])), expected);
  }
  // Not compressed, and so straight from the stream.
  const { head, trailers } = await exchange(session, {
    path: path("Get"),
    contentType: "application/grpc",
    body: [encodeEnvelope(0, pairs(0x78, 1).subarray(0, 100_000))],
  });
  assert.match(decodeURIComponent(String({ ...head, ...trailers }["grpc-message"])), /more than 10000 fields/);
  session.destroy();
});

const longKeys = Array.from({ length: 20_000 }, (_, n) =>
  n % 3 === 0 ? `ключ ${n}` : n % 3 === 1 ? `key ${n}` : "again",
);
longKeys[7] = "l".repeat(500);
// The first length that takes two bytes of protobuf, between two keys of one.
longKeys[10] = "m".repeat(128);

for (const [name, contentType, body] of [
  [
    "protobuf",
    "application/grpc-web+proto",
    encodeEnvelope(0, toBinary(MGetRequestSchema, create(MGetRequestSchema, { keys: longKeys }))),
  ],
  [
    "JSON",
    "application/json",
    Buffer.from(JSON.stringify({ consistency: "CONSISTENCY_STRONG", keys: longKeys, order: 2 })),
  ],
] as const) {
  test(`a long list of keys in ${name} is decoded in slices as it is in one go`, async () => {
    const response = await fetch(`${server.url}${path("MGet")}`, {
      method: "POST",
      headers: { "content-type": contentType },
      body,
    });
    const text = await response.text();
    assert.is(response.status, 200);
    for (const key of [longKeys[0], longKeys[1], longKeys[7], longKeys[10], longKeys.at(-1)]) {
      assert.ok(text.includes(key as string), key);
    }
  });
}

for (const [name, keys] of Object.entries({
  "a number": "1",
  "no comma": '"a" "b"',
  "a comma at the end": '"a",',
  "half of a surrogate pair": '"\\ud800"',
  "a control character": '"\n"',
  "a nested list": '["a"]',
})) {
  test(`a long list in JSON with ${name} is refused`, async () => {
    const filler = `"${"x".repeat(40)}",`.repeat(2000);
    const response = await fetch(`${server.url}${path("MGet")}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"keys":[${filler}${keys}]}`,
    });
    assert.is(response.status, 400);
    assert.match(await response.text(), /invalid_argument/);
  });
}

function createCall(): Call {
  const method = KeyValueService.method.get;
  return new Call({ path: "/", httpMethod: "POST", method, headers: {}, socket: {} as Socket });
}

test("a client that has kept others waiting gives way, the first to wait first, and none while there is room", async () => {
  const memory = createMemoryBudget({ limit: 8_000_000, graceMs: 0 });
  const left: string[] = [];
  const begin = (name: string, bytes: number, waits: boolean) => {
    const call = createCall();
    call.giveWay = (error: DynakvError) => {
      left.push(name);
      assert.is(error.retryable, true);
      call.end();
    };
    assert.is(memory.hold(call, bytes), undefined, name);
    if (waits) {
      memory.awaitClient(call);
    }
    return call;
  };
  begin("works", 3_000_000, false);
  begin("first", 1_000_000, true);
  const moved = begin("moved", 1_000_000, true);
  begin("second", 1_000_000, true);
  memory.clientMoved(moved);
  assert.equal(left, []);
  begin("needs room", 1_500_000, false);
  assert.equal(left, ["first"]);
  assert.is(memory.held, 7_500_000 - 1_000_000);
  const refused = memory.hold(createCall(), 3_000_000);
  assert.is(refused?.retryable, true);
});

test("reads wait for room in their order, until it is given back, or their signal aborts", async () => {
  const memory = createMemoryBudget({ limit: 8_000_000 });
  const { reads } = memory;
  assert.is(reads.tryHold(6_000_000), true);
  assert.is(reads.tryHold(2_000_000), false);
  const done: string[] = [];
  const leave = new AbortController();
  const { signal } = new AbortController();
  const first = reads.hold(3_000_000, signal).then(() => done.push("first"));
  const left = reads.hold(1_000_000, leave.signal).catch(() => done.push("left"));
  const second = reads.hold(500_000, signal).then(() => done.push("second"));
  leave.abort();
  await left;
  assert.equal(done, ["left"], "a small one does not pass a large one");
  reads.release(6_000_000);
  await Promise.all([first, second]);
  assert.equal(done, ["left", "first", "second"]);
  reads.release(500_000);
  assert.is(memory.held, 3_000_000, "each is held once, and none for who has left");
});

test("the budget follows from the memory that there is", () => {
  assert.ok(memoryLimit() >= 48 * 1024 * 1024);
  assert.is(memoryLimit(1_000_000), 48 * 1024 * 1024);
});

test("long work is done in slices, between which others are served, and fails alone", async () => {
  const order: string[] = [];
  function* work(name: string) {
    for (let step = 0; step < 40; step++) {
      const until = performance.now() + 0.5;
      while (performance.now() < until);
      yield;
    }
    order.push(name);
    return name;
  }
  function* failing() {
    yield* work("failing");
    throw new Error("as told");
  }
  const first = runInSlices(work("first"));
  assert.instance(first, Promise);
  const second = runInSlices(work("second"));
  const third = Promise.resolve(runInSlices(failing())).catch((error: Error) => error.message);
  setImmediate(() => order.push("other"));
  assert.equal(await Promise.all([first, second, third]), ["first", "second", "as told"]);
  assert.is(order[0], "other");
});

test("work of a single step waits for none that is long", async () => {
  function* work(steps: number) {
    for (let step = 1; step < steps; step++) {
      holdEventLoop(1);
      yield;
    }
    return steps;
  }
  const all = [runInSlices(work(20)), runInSlices(work(20))];
  assert.is(runInSlices(work(1)), 1);
  await Promise.all(all);
});

/** Holds the event loop by the processor's time: on a machine that is busy with others, all that does takes as much longer. */
function work(ms: number): void {
  for (
    const from = process.cpuUsage(), spent = () => process.cpuUsage(from);
    spent().user + spent().system < ms * 1000;
  ) {
    // Nothing but the time of it matters.
  }
}

test("what follows a turn of its own leaves others their time, too", async () => {
  let turnsOfOthers = 0;
  let isOver = false;
  const other = () => {
    work(2);
    turnsOfOthers++;
    if (!isOver) {
      setImmediate(other);
    }
  };
  setImmediate(other);
  const turns = 20;
  await Promise.all(Array.from({ length: turns }, () => ownTurn().then(() => work(6))));
  isOver = true;
  assert.ok(turnsOfOthers > turns * 2, `${turnsOfOthers} turns of others`);
});

test("what follows it later leaves others their time before the next turn", async () => {
  let turnsOfOthers = 0;
  let isOver = false;
  const other = () => {
    holdEventLoop(2);
    turnsOfOthers++;
    if (!isOver) {
      setImmediate(other);
    }
  };
  setImmediate(other);
  const laterMs = 100;
  await Promise.all(Array.from({ length: 3 }, () => ownTurn(laterMs)));
  isOver = true;
  // Some hundreds, where nothing else keeps the processor busy.
  assert.ok(turnsOfOthers > 10, `${turnsOfOthers} turns of others`);
});

test.run();
