import type { Page } from "puppeteer-core";
import * as assert from "uvu/assert";
import { throttling } from "../../server/src/faults/index.js";
import { fillTable } from "../../server/test/support/fill-table.js";
import { suite } from "../../server/test/support/suite.js";
import { waitUntil } from "../../server/test/support/wait-until.js";
import { type ClientScene, startClientScene } from "./support/client-scene.js";
import { browsersHere } from "./support/find-browsers.js";

const keys = Array.from({ length: 20_000 }, (_, index) => `many:${index}`);
/** The calls wait for what the test does, on a machine that is busy with others as well. */
const patience = { defaultTimeoutMs: 120_000 };

for (const name of browsersHere()) {
  const test = suite(`the web client in ${name}, from a page of another origin`);
  let scene: ClientScene;
  let page: Page;

  test.before(async () => {
    scene = await startClientScene(name);
    page = scene.page;
    await fillTable(scene.server, keys);
  });
  test.after(() => scene.stop());
  test.after.each(() => {
    scene.server.proxy.reset();
    scene.server.lines.length = 0;
  });

  for (const protocol of ["connect", "grpc-web"] as const) {
    const options = () => ({ address: scene.server.url, protocol, ...patience });
    const endedAs = (code: string) =>
      waitUntil(`the server logs a call as ${code}`, () => scene.server.lines.some((line) => line.code === code));

    test(`sets, gets and counts past 2^53 by ${protocol}`, async () => {
      const answers = await page.evaluate(async (options) => {
        const client = dynakv.createClient(options);
        const names = client.keyspace(`${options.protocol}:`, dynakv.utf8);
        const before = await names.get("ada");
        const { etag } = await names.set("ada", "Ada");
        const entry = await names.get("ada");
        await client.incr(`${options.protocol}:visits`, { delta: 9_007_199_254_740_992n });
        const visits = await client.incr(`${options.protocol}:visits`);
        return {
          isMissing: before === undefined,
          value: entry?.value,
          isSame: entry?.etag === etag,
          visits: `${visits}`,
        };
      }, options());
      assert.equal(answers, { isMissing: true, value: "Ada", isSame: true, visits: "9007199254740993" });
    });

    test(`reads a stream of 20,000 keys by ${protocol}`, async () => {
      const read = await page.evaluate(
        async (options, keys) => {
          const values = dynakv.createClient(options).keyspace("", dynakv.utf8);
          let right = 0;
          for await (const { key, entry } of values.mget(keys)) {
            right += entry?.value === key ? 1 : 0;
          }
          return right;
        },
        options(),
        keys,
      );
      assert.is(read, keys.length);
      const calls = scene.server.lines.filter(({ msg }) => msg.startsWith("call"));
      assert.ok(calls.length > 0 && calls.every((call) => call.protocol === protocol && call.code === "OK"));
    });

    test(`a stream by ${protocol} is cancelled on the server when the page leaves it`, async () => {
      // The rest never comes: what ends the call is that its reader has left.
      scene.server.proxy.decide = ({ operation, n }) => (operation === "BatchGetItem" && n > 5 ? "hang" : "forward");
      const read = await page.evaluate(
        async (options, keys) => {
          for await (const { key } of dynakv.createClient(options).mget(keys)) {
            return key;
          }
          return undefined;
        },
        options(),
        keys,
      );
      assert.ok(keys.includes(read ?? ""));
      await endedAs("Canceled");
    });

    test(`errors have all of their details by ${protocol}`, async () => {
      const throttled = throttling("TableWriteProvisionedThroughputExceeded");
      scene.server.proxy.decide = ({ operation }) => (operation === "DeleteItem" ? throttled : "forward");
      const errors = await page.evaluate(async (options) => {
        const client = dynakv.createClient({ ...options, retries: false });
        const failureOf = async (call: Promise<unknown>) => {
          const error = await call.then(
            () => undefined,
            (cause: unknown) => cause,
          );
          if (!(error instanceof dynakv.DynakvError)) {
            throw new Error(`not a DynakvError: ${error}`);
          }
          const { reason, outcome, retryable, currentEtag, field, throttlingReasons, callId } = error;
          const isDelayed = (error.retryAfterMs ?? 0) > 0;
          return { reason, outcome, retryable, currentEtag, field, throttlingReasons, isDelayed, hasId: !!callId };
        };
        const key = `${options.protocol}:taken`;
        const { etag } = await client.set(key, new Uint8Array([1]));
        return {
          etag,
          taken: await failureOf(client.set(key, new Uint8Array(), { ifAbsent: true })),
          bounded: await failureOf(client.incr(`${key}:counter`, { max: 0n })),
          refused: await failureOf(client.get("")),
          throttled: await failureOf(client.delete(key)),
        };
      }, options());
      const { etag } = errors;
      const pick = ({ reason, outcome, retryable }: (typeof errors)["taken"]) => [reason, outcome, retryable];
      assert.equal(pick(errors.taken), ["ALREADY_EXISTS", "NOT_APPLIED", false]);
      assert.is(errors.taken.currentEtag, etag);
      assert.ok(errors.taken.hasId);
      assert.equal(pick(errors.bounded), ["OUT_OF_BOUNDS", "NOT_APPLIED", false]);
      assert.is(errors.refused.field, "key");
      assert.equal(pick(errors.throttled), ["THROTTLED", "NOT_APPLIED", true]);
      assert.equal(errors.throttled.throttlingReasons, ["TableWriteProvisionedThroughputExceeded"]);
      assert.ok(errors.throttled.isDelayed);
    });

    test(`a deadline that passes by ${protocol} says that the write's outcome is unknown`, async () => {
      scene.server.proxy.decide = ({ operation }) => (operation === "PutItem" ? "hang" : "forward");
      const error = await page.evaluate(async (options) => {
        const set = dynakv.createClient(options).set("late", new Uint8Array(), { timeoutMs: 500 });
        const { reason, outcome } = await set.catch((cause) => cause);
        return { reason, outcome };
      }, options());
      assert.equal(error, { reason: "DEADLINE_EXCEEDED", outcome: "UNKNOWN" });
    });

    test(`a call by ${protocol} that its signal ends is cancelled on the server`, async () => {
      let wasAsked = false;
      scene.server.proxy.decide = ({ operation }) => {
        wasAsked ||= operation === "PutItem";
        return operation === "PutItem" ? "hang" : "forward";
      };
      const leaving = page.evaluate(async (options) => {
        const controller = new AbortController();
        const left = new Promise<void>((resolve) => addEventListener("leave", () => resolve(), { once: true }));
        const set = dynakv.createClient(options).set("left", new Uint8Array(), { signal: controller.signal });
        void left.then(() => controller.abort());
        const { reason, outcome } = await set.catch((cause) => cause);
        return { reason, outcome };
      }, options());
      await waitUntil("DynamoDB is asked", () => wasAsked);
      await page.evaluate(() => dispatchEvent(new Event("leave")));
      assert.equal(await leaving, { reason: "CANCELED", outcome: "UNKNOWN" });
      await endedAs("Canceled");
    });

    test(`a page that is offline is told so, and goes on by ${protocol} when it is back`, async () => {
      await page.setOfflineMode(true);
      const { reason, outcome, whenBack } = await page
        .evaluate(async (options) => {
          const { reason, outcome } = await dynakv
            .createClient({ ...options, retries: false })
            .set("offline", new Uint8Array())
            .catch((cause) => cause);
          // It is counted once, however often it is tried until the page is back.
          const visits = dynakv.createClient({ ...options, retries: { maxAttempts: 1000 } }).incr("offline:visits");
          Object.assign(globalThis, { visits: visits.then(String) });
          return { reason, outcome, whenBack: "visits" };
        }, options())
        .finally(() => page.setOfflineMode(false));
      assert.equal([reason, outcome], ["UNREACHABLE", "UNKNOWN"]);
      assert.is(await page.evaluate(whenBack), protocol === "connect" ? "1" : "2");
      assert.is(
        await page.evaluate(async (o) => (await dynakv.createClient(o).get("offline")) ?? null, options()),
        null,
      );
    });
  }

  test.run();
}
