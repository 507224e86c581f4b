import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import { createTestClock, type FaultProxy, internalServerError, startFaultProxy } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { isFullRun } from "../../support/full-run.js";
import { itemBytes, writeUnits } from "../../support/item-bytes.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

/**
 * A fresh id for each increment, as programs in any language send them. `npm run test:long` makes as many as the docs speak of.
 */
const test = suite("increments with a fresh id each");
const clock = createTestClock();
let server: TestServer;
let proxies: FaultProxy[];
let replicas: KeyValueClient[];

test.before(async () => {
  server = await startTestServer({ clock });
  const { endpoint } = server.engine;
  proxies = await Promise.all([startFaultProxy({ target: endpoint }), startFaultProxy({ target: endpoint })]);
  replicas = (await Promise.all(proxies.map((proxy) => server.replica({ endpoint: proxy.endpoint })))).map(
    ({ client }) => client,
  );
});

test.before.each(() => {
  for (const proxy of proxies) {
    proxy.reset();
  }
});

test.after(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await server.stop();
});

const numbers = (length: number) => Array.from({ length }, (_, n) => n);

/** Of every three answers to UpdateItem one is lost, by turns as a connection that is cut and as an error of DynamoDB's. */
function loseEveryThirdAnswer(): void {
  let updates = 0;
  for (const proxy of proxies) {
    proxy.decide = ({ operation }) => {
      if (operation !== "UpdateItem" || ++updates % 3 !== 0) {
        return "forward";
      }
      return updates % 2 === 0 ? "cut-answer" : internalServerError({ applied: true });
    };
  }
}

interface Storm {
  readonly key: string;
  readonly callers: number;
  readonly increments: number;
  readonly max?: bigint;
  /** By how much the clock of a caller is ahead of the servers'. */
  readonly aheadMs?: (caller: number) => number;
  /** What happens between the increments, so many times. */
  readonly interrupt?: { readonly times: number; readonly act: () => Promise<unknown> };
}

/** Each caller makes one increment after the other, each under a fresh id, which it repeats until it is answered. */
async function storm({ key, callers, increments, max, aheadMs, interrupt }: Storm): Promise<bigint[]> {
  const answers: bigint[] = [];
  let left = increments;
  async function increment(requestId: string): Promise<bigint> {
    for (let tries = 0; ; tries++) {
      const client = replicas[tries % replicas.length] as KeyValueClient;
      try {
        return (await client.incr({ key, requestId, ...(max === undefined ? {} : { max }) }, { timeoutMs: 60_000 }))
          .value;
      } catch (error) {
        const { reason, outcome } = await failureOf(Promise.reject(error));
        assert.is.not(reason, "REQUEST_TOO_OLD");
        assert.ok(outcome !== "APPLIED" && tries < 1000, `${reason} ${outcome}`);
        if (reason === "OUT_OF_BOUNDS" && outcome === "NOT_APPLIED") {
          throw error;
        }
      }
    }
  }
  async function call(caller: number): Promise<void> {
    while (left > 0) {
      const number = left--;
      if (interrupt !== undefined && number % Math.ceil(increments / (interrupt.times + 1)) === 1) {
        await interrupt.act();
      }
      answers.push(await increment(createRequestId(clock() + (aheadMs?.(caller) ?? 0))));
    }
  }
  await Promise.all(numbers(callers).map(call));
  return answers;
}

async function countAt(key: string): Promise<bigint | undefined> {
  const { entry } = await server.client.get({ key, consistency: 2 });
  return entry?.data.case === "counter" ? entry.data.value : undefined;
}

function assertEachOnce(answers: readonly bigint[]): void {
  assert.equal(
    [...answers].sort((a, b) => Number(a - b)),
    numbers(answers.length).map((n) => BigInt(n + 1)),
  );
}

const increments = isFullRun ? 1500 : 300;
const callers = 30;

test(`${increments} by ${callers} callers over two replicas, every third answer lost`, async () => {
  loseEveryThirdAnswer();
  const answers = await storm({ key: "plain", callers, increments });
  assertEachOnce(answers);
  assert.is(await countAt("plain"), BigInt(increments));
});

const manyCallers = isFullRun ? 2000 : 120;

test(`the same by ${manyCallers} callers at once`, async () => {
  loseEveryThirdAnswer();
  const answers = await storm({ key: "many", callers: manyCallers, increments: manyCallers });
  assertEachOnce(answers);
  assert.is(await countAt("many"), BigInt(manyCallers));
});

test("the same by callers whose clocks are 90 s apart", async () => {
  loseEveryThirdAnswer();
  const aheadMs = (caller: number) => [-50_000, 0, 40_000][caller % 3] ?? 0;
  const answers = await storm({ key: "clocks", callers, increments, aheadMs });
  assertEachOnce(answers);
  assert.is(await countAt("clocks"), BigInt(increments));
});

test("the same with an upper bound", async () => {
  loseEveryThirdAnswer();
  const max = BigInt(increments) / 2n;
  const results: bigint[] = [];
  let refused = 0;
  await Promise.all(
    numbers(increments).map(async () => {
      await storm({ key: "bounded", callers: 1, increments: 1, max }).then(
        (answers) => results.push(...answers),
        () => refused++,
      );
    }),
  );
  assertEachOnce(results);
  assert.equal([BigInt(results.length), await countAt("bounded")], [max, max]);
  assert.is(refused, increments - results.length);
});

test("the same with a Delete and a Set in between", async () => {
  loseEveryThirdAnswer();
  const key = "interrupted";
  const act = async () => {
    await server.client.set({ key, value: new Uint8Array([1]) });
    await server.client.delete({ key });
  };
  const answers = await storm({ key, callers, increments, interrupt: { times: 3, act } });
  assert.is(answers.length, increments);
  // Each life of the counter has answered 1, 2, 3 and so on, each once: so no number more often than the one before it.
  const times = new Map<bigint, number>();
  for (const answer of answers) {
    times.set(answer, (times.get(answer) ?? 0) + 1);
  }
  for (const [answer, count] of times) {
    assert.ok(answer === 1n || (times.get(answer - 1n) ?? 0) >= count, `${answer} was answered ${count} times`);
  }
});

const inTurn = isFullRun ? 100_000 : 500;

test(`${inTurn} in turn, repeated at random up to nine minutes later, are few requests and small ones`, async () => {
  const key = "in-turn";
  const [client, other] = replicas as [KeyValueClient, KeyValueClient];
  await client.incr({ key, delta: 0n });
  const recent: { requestId: string; value: bigint; atMs: number }[] = [];
  const [proxy] = proxies as [FaultProxy];
  const units: number[] = [];
  for (let n = 1; n <= inTurn; n++) {
    const requestId = createRequestId(clock());
    const { value, replayed } = await client.incr({ key, requestId });
    assert.equal([value, replayed], [BigInt(n), false]);
    recent.push({ requestId, value, atMs: clock() });
    if (n <= 1000) {
      units.push(writeUnits(itemBytes((await server.rawItem(key)) ?? {})));
    }
    if (Math.random() < 0.1) {
      while ((recent[0]?.atMs ?? clock()) < clock() - 540_000) {
        recent.shift();
      }
      const again = recent[Math.floor(Math.random() * recent.length)];
      const { value: second, replayed: isReplay } = await other.incr({ key, requestId: again?.requestId ?? "" });
      assert.equal([second, isReplay], [again?.value, true]);
    }
    clock.advance(Math.random() < 0.001 ? 20_000 : Math.floor(Math.random() * 40));
  }
  // Without GetItem, by which the server looks each second whether DynamoDB answers.
  const perIncrement = ["UpdateItem", "PutItem", "BatchGetItem"].reduce(
    (sum, operation) => sum + (proxy.requests.get(operation) ?? 0) / inTurn,
    0,
  );
  const unitsEach = units.reduce((sum, each) => sum + each, 0) / units.length;
  if (isFullRun) {
    process.stdout.write(`\n  ${perIncrement.toFixed(3)} requests, ${unitsEach.toFixed(2)} write units an increment\n`);
  }
  assert.ok(perIncrement <= 1.1, `${perIncrement} requests an increment`);
  assert.ok(Math.max(...units) <= 2, `${Math.max(...units)} units`);
  assert.is(await countAt(key), BigInt(inTurn));
});

test.run();
