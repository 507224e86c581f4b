import { type ClientHttp2Session, connect, constants } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import * as assert from "uvu/assert";
import { KeyValueService, MGetRequestSchema, SetRequestSchema } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import { failureOf } from "../support/errors.js";
import { exchange, startExchange } from "../support/grpc-exchange.js";
import { type ObservedServer, startObservedServer } from "../support/observed-server.js";
import { suite } from "../support/suite.js";
import { createTransports } from "../support/test-server.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("large bodies");
const memoryBytes = 8_388_608;
/** What docs/overload.md says of it. */
const mostHeld = (memoryBytes * 7) / 8;
let server: ObservedServer;
let session: ClientHttp2Session;

test.before(async () => {
  server = await startObservedServer({ memoryBytes, overload: "off" });
});

test.before.each(() => {
  session = connect(server.url);
});

test.after.each(() => session.destroy());

test.after(() => server.stop());

const value = new Uint8Array(390_000);
const set = toBinary(SetRequestSchema, create(SetRequestSchema, { key: "held", value }));
const keys = Array.from({ length: 4000 }, (_, n) => `${String(n).padStart(4, "0")}${"k".repeat(90)}`);
const mGet = toBinary(MGetRequestSchema, create(MGetRequestSchema, { keys }));

interface HeldBodies {
  /** Whether one of them was answered: with an error, since none is whole. */
  hasGivenWay(): boolean;
  release(): void;
}

/** Sends all but the end of many large calls, as many as may be held, and resolves once that has come. */
async function holdBodies(method: "Set" | "MGet", contentType: string, message: Uint8Array): Promise<HeldBodies> {
  let hasGivenWay = false;
  const body = contentType === "application/proto" ? message : encodeEnvelope(0, message);
  const count = Math.floor(mostHeld / body.length);
  const held = Array.from({ length: count }, () =>
    startExchange(session, {
      path: `/${KeyValueService.typeName}/${method}`,
      contentType,
      body: [body.subarray(0, -1)],
      unfinished: true,
    })
      .on("error", () => {})
      .on("response", () => {
        hasGivenWay = true;
      }),
  );
  await waitUntil("all is sent", () => held.every(({ writableLength }) => writableLength === 0));
  // What is asked last on a connection is answered when the rest of it was read.
  await exchange(session, {
    path: `/${Health.typeName}/Check`,
    contentType: "application/grpc",
    body: [encodeEnvelope(0, new Uint8Array())],
  });
  return {
    hasGivenWay: () => hasGivenWay,
    release() {
      for (const stream of held) {
        stream.close(constants.NGHTTP2_CANCEL);
      }
    },
  };
}

/**
 * Does these one after another while such bodies are held. After five seconds they give way to others: on a machine that is too busy for
 * all of it in that time, what is left is done while they are held anew.
 */
async function whileHeld(hold: () => Promise<HeldBodies>, checks: readonly (() => Promise<void>)[]): Promise<void> {
  for (let next = 0; next < checks.length; ) {
    const bodies = await hold();
    try {
      for (; next < checks.length; next++) {
        await checks[next]?.();
      }
    } catch (error) {
      await waitUntil("they give way", bodies.hasGivenWay, 5000).catch(() => {
        throw error;
      });
    } finally {
      bodies.release();
    }
  }
}

/** Large calls are refused once those bodies have come, and taken once they have gone. */
async function waitForLarge(expected: "taken" | "refused"): Promise<void> {
  await waitUntil(`large calls are ${expected}`, async () => {
    const now = await server.client.set({ key: "large", value }).then(
      () => "taken",
      () => "refused",
    );
    return now === expected;
  });
}

for (const [method, contentType, message] of [
  ["Set", "application/grpc+proto", set],
  ["Set", "application/grpc-web+proto", set],
  ["Set", "application/proto", set],
  ["MGet", "application/grpc+proto", mGet],
  ["MGet", "application/connect+proto", mGet],
] as const) {
  test(`many large bodies of ${method} as ${contentType} have others refused, but for small ones, and only meanwhile`, async () => {
    const byEach = Object.entries(createTransports(server.url)).map(([name, transport]) => async () => {
      const client = createClient(KeyValueService, transport);
      // What was taken because others had given way is no mistake.
      await client.delete({ key: "refused" });
      const failure = await failureOf(client.set({ key: "refused", value }));
      assert.equal(
        [failure.code, failure.reason, failure.retryable, failure.hasRetryInfo, failure.outcome],
        ["ResourceExhausted", "OVERLOADED", true, true, "NOT_APPLIED"],
        name,
      );
      const { reason } = await failureOf(client.mGet({ keys }));
      assert.is(reason, "OVERLOADED", name);
      await client.set({ key: "small", value: new Uint8Array(10_000) });
    });
    const asJson = async () => {
      const lines = await fetch(`${server.url}/${KeyValueService.typeName}/MGet`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ keys }),
      });
      // Unread, the answer of a call that was taken after all would hold its connection.
      await lines.body?.cancel();
      assert.is(lines.status, 429);
    };
    await whileHeld(() => holdBodies(method, contentType, message), [() => waitForLarge("refused"), ...byEach, asJson]);
    await waitForLarge("taken");
    assert.not((await server.client.get({ key: "refused" })).entry, "nothing of a refused call was done");
  });
}

test("what was refused for its size is counted as shed", async () => {
  await whileHeld(
    () => holdBodies("Set", "application/grpc+proto", set),
    [
      () => waitForLarge("refused"),
      async () => assert.match(await server.page(), /^dynakv_calls_shed_total\{.*why="memory".*\} [1-9]/m),
    ],
  );
  await waitForLarge("taken");
});

test("reflection takes no more than names", async () => {
  const stream = startExchange(session, {
    path: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    contentType: "application/grpc+proto",
    body: [encodeEnvelope(0, new Uint8Array(5000))],
  });
  const status = await new Promise((resolve) => {
    stream.on("response", (head) => head["grpc-status"] !== undefined && resolve(head["grpc-status"]));
    stream.on("trailers", (trailers) => resolve(trailers["grpc-status"]));
    stream.resume();
  });
  assert.is(status, "3");
});

test.run();
