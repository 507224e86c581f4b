import { ConnectError, createRouterTransport, type Transport } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { waitUntil, withLongEnoughDeadline } from "../../server/test/support/wait-until.js";
import { Code, createClient, type DynakvClient, type DynakvError, type RetryOptions } from "../src/index.js";
import { ErrorDetailSchema, ErrorReason, KeyValueService, Outcome, RetryInfoSchema } from "../src/schema.js";
import { errorOf } from "./support/error-of.js";

const test = suite("retries");

const quick: RetryOptions = { baseDelayMs: 1, maxDelayMs: 2 };
/** What a connection that is lost looks like. */
const lost = () => new ConnectError("read ECONNRESET", Code.Aborted);

function refusal(code: Code, reason: ErrorReason, outcome: Outcome, retryable = false, delayMs = 0): ConnectError {
  const error = new ConnectError("refused", code);
  error.details = [
    { desc: ErrorDetailSchema, value: { reason, outcome, retryable } },
    ...(delayMs > 0
      ? [
          {
            desc: RetryInfoSchema,
            value: { retryDelay: { seconds: BigInt(Math.floor(delayMs / 1000)), nanos: (delayMs % 1000) * 1e6 } },
          },
        ]
      : []),
  ];
  return error;
}

interface Seen {
  readonly requestIds: string[];
  attempts: number;
}

/** A client of a service that fails with these errors, one after another, and then answers. */
function failing(failures: readonly (() => Error)[], retries: RetryOptions | false = quick) {
  const seen: Seen = { requestIds: [], attempts: 0 };
  const left = [...failures];
  const attempt = () => {
    seen.attempts++;
    const failure = left.length > 1 || failures.length !== 1 ? left.shift() : failures[0];
    if (failure !== undefined) {
      throw failure();
    }
  };
  const transport: Transport = createRouterTransport(({ service }) => {
    service(KeyValueService, {
      get() {
        attempt();
        return {};
      },
      set() {
        attempt();
        return { etag: "e" };
      },
      delete() {
        attempt();
        return { existed: true };
      },
      incr({ requestId }) {
        seen.requestIds.push(requestId);
        attempt();
        return { value: 5n };
      },
    });
  });
  return { client: createClient({ transport, retries }), seen };
}

const thrice = <T>(value: T) => [value, value, value];
const value = new Uint8Array(1);

test("a read whose connection is lost is repeated", async () => {
  const { client, seen } = failing(thrice(lost));
  assert.is(await client.get("a"), undefined);
  assert.is(seen.attempts, 4);
});

test("a stream that was ended to calm the client down is one that is lost, and a message that is too large is not", async () => {
  const calmed = () => new ConnectError("http/2 stream closed with ENHANCE_YOUR_CALM", Code.ResourceExhausted);
  const { client, seen } = failing([calmed]);
  const before = failing([calmed, calmed]);
  assert.is(await before.client.get("k"), undefined);
  assert.is(before.seen.attempts, 3);
  const error = await errorOf(client.set("k", value));
  assert.equal([error.reason, error.outcome, seen.attempts], ["UNREACHABLE", "UNKNOWN", 1]);
  const large = failing([() => new ConnectError("message size 9 is larger than 8", Code.ResourceExhausted)]);
  await errorOf(large.client.get("k"));
  assert.is(large.seen.attempts, 1);
});

test("an increment whose connection is lost is repeated with the same id", async () => {
  const { client, seen } = failing(thrice(lost));
  assert.is(await client.incr("a"), 5n);
  assert.is(seen.requestIds.length, 4);
  assert.is(new Set(seen.requestIds).size, 1);
  assert.match(seen.requestIds[0] ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
});

const writes: Record<string, (client: DynakvClient, options?: { idempotent: true }) => Promise<unknown>> = {
  set: (client, options) => client.set("a", value, options),
  delete: (client, options) => client.delete("a", options),
};

for (const [name, write] of Object.entries(writes)) {
  for (const [how, failure] of [
    ["whose connection is lost", lost],
    [
      "of which the server does not know",
      () => refusal(Code.Unavailable, ErrorReason.BACKEND_UNAVAILABLE, Outcome.UNKNOWN),
    ],
  ] as const) {
    test(`a ${name} ${how} is reported as unknown, once`, async () => {
      const { client, seen } = failing(thrice(failure));
      const error = await errorOf(write(client));
      assert.equal([error.outcome, error.retryable, seen.attempts], ["UNKNOWN", false, 1]);
    });

    test(`a ${name} ${how} is repeated when its caller calls it idempotent`, async () => {
      const { client, seen } = failing(thrice(failure));
      await write(client, { idempotent: true });
      assert.is(seen.attempts, 4);
    });
  }

  test(`a ${name} that was not applied is repeated when the server says that it may be`, async () => {
    const { client, seen } = failing(
      thrice(() => refusal(Code.ResourceExhausted, ErrorReason.THROTTLED, Outcome.NOT_APPLIED, true, 1)),
    );
    await write(client);
    assert.is(seen.attempts, 4);
  });
}

for (const order of ["arrival", "request"] as const) {
  for (const [how, cut] of [
    ["breaks", lost],
    ["ends too soon, as one whose server stops", () => new ConnectError("the server shuts down", Code.Unavailable)],
  ] as const) {
    test(`an mget whose stream ${how} asks anew for the keys that were not answered, and for no others: order '${order}'`, async () => {
      const keys = ["a", "b", "a", "c", "d"];
      const requests: string[][] = [];
      const transport: Transport = createRouterTransport(({ service }) => {
        service(KeyValueService, {
          async *mGet({ keys: asked }) {
            requests.push(asked);
            for (const [index, key] of asked.slice(0, 2).entries()) {
              yield { results: [{ index, key, result: { case: "missing", value: {} } }] };
            }
            if (asked.length > 2) {
              throw cut();
            }
          },
        });
      });
      const answered: [number, string][] = [];
      for await (const { index, key } of createClient({ transport, retries: quick }).mget(keys, { order })) {
        answered.push([index, key]);
      }
      assert.equal(answered, [...keys.entries()]);
      assert.equal(requests, [keys, ["a", "c", "d"], ["d"]]);
    });
  }
}

test("what was refused for good is not repeated", async () => {
  for (const error of [
    refusal(Code.InvalidArgument, ErrorReason.INVALID_KEY, Outcome.NOT_APPLIED),
    new ConnectError("no such method", Code.Unimplemented),
    new ConnectError("who are you", Code.Unauthenticated),
    new ConnectError("cannot decode", Code.Internal),
  ]) {
    const { client, seen } = failing(thrice(() => error));
    assert.is((await errorOf(client.get("a"))).code, error.code);
    assert.is((await errorOf(client.set("a", value, { idempotent: true }))).code, error.code);
    assert.is(seen.attempts, 2);
  }
});

test("a refusal after an attempt of which nothing is known leaves the outcome unknown", async () => {
  const { client, seen } = failing([
    lost,
    () => refusal(Code.OutOfRange, ErrorReason.OUT_OF_BOUNDS, Outcome.NOT_APPLIED),
  ]);
  const error = await errorOf(client.incr("a"));
  assert.equal([error.reason, error.outcome, seen.attempts], ["OUT_OF_BOUNDS", "UNKNOWN", 2]);
});

test("where the deadline comes before the next attempt, the error of the last comes out at once", async () => {
  const { client, seen } = failing([lost], { baseDelayMs: 1e15, maxDelayMs: 1e15 });
  const error = await errorOf(client.get("a", { timeoutMs: 60_000 }));
  assert.equal([error.reason, seen.attempts], ["UNREACHABLE", 1]);
});

test("a deadline that has passed sends nothing", async () => {
  const { client, seen } = failing([]);
  const error = await errorOf(client.set("a", value, { timeoutMs: -1 }));
  assert.equal([error.reason, error.outcome, seen.attempts], ["DEADLINE_EXCEEDED", "NOT_APPLIED", 0]);
});

test("a deadline that passes while an attempt waits names what the one before failed with", async () => {
  await withLongEnoughDeadline(async (timeoutMs) => {
    let attempts = 0;
    const transport = createRouterTransport(({ service }) => {
      service(KeyValueService, {
        incr() {
          if (++attempts === 1) {
            throw lost();
          }
          return new Promise<never>(() => {});
        },
      });
    });
    const error = await errorOf(createClient({ transport, retries: quick }).incr("a", { timeoutMs }));
    if (attempts < 2) {
      return false;
    }
    assert.equal([error.reason, error.outcome, attempts], ["DEADLINE_EXCEEDED", "UNKNOWN", 2]);
    assert.is((error.cause as DynakvError).reason, "UNREACHABLE");
    return true;
  });
});

test("a pause that the server asks for is not begun when the deadline comes first", async () => {
  const { client, seen } = failing([
    () => refusal(Code.ResourceExhausted, ErrorReason.THROTTLED, Outcome.UNSPECIFIED, true, 900_000),
  ]);
  const error = await errorOf(client.get("a", { timeoutMs: 60_000 }));
  assert.equal([error.reason, error.retryAfterMs, seen.attempts], ["THROTTLED", 900_000, 1]);
});

test("attempts are bounded, and can be none but the first", async () => {
  for (const [retries, attempts] of [
    [false, 1],
    [{ ...quick, maxAttempts: 3 }, 3],
    [quick, 20],
  ] as const) {
    const { client, seen } = failing([lost], retries);
    assert.is((await errorOf(client.get("a"))).reason, "UNREACHABLE");
    assert.is(seen.attempts, attempts);
  }
});

test("a signal ends the pause between attempts", async () => {
  const { client, seen } = failing([lost], { baseDelayMs: 1e6, maxDelayMs: 1e6 });
  const controller = new AbortController();
  const failed = errorOf(client.incr("a", { signal: controller.signal, timeoutMs: 1e8 }));
  await waitUntil("the first attempt was made", () => seen.attempts > 0);
  controller.abort();
  const error = await failed;
  assert.equal([error.reason, error.outcome], ["CANCELED", "UNKNOWN"]);
});

test("a write that was never sent is not applied", async () => {
  const { client, seen } = failing([]);
  const error = await errorOf(client.set("a", value, { signal: AbortSignal.abort() }));
  assert.equal([error.reason, error.outcome, seen.attempts], ["CANCELED", "NOT_APPLIED", 0]);
  client.close();
  assert.is((await errorOf(client.incr("a"))).outcome, "NOT_APPLIED");
});

test("errors are told apart by instanceof and by switch", async () => {
  const { client } = failing(
    thrice(() => refusal(Code.FailedPrecondition, ErrorReason.ALREADY_EXISTS, Outcome.NOT_APPLIED)),
  );
  const error = await errorOf(client.set("a", value, { ifAbsent: true }));
  switch (error.reason) {
    case "ALREADY_EXISTS":
      assert.is(error.name, "DynakvError");
      assert.instance(error.cause, ConnectError);
      break;
    default:
      assert.unreachable(error.reason);
  }
});

test.run();
