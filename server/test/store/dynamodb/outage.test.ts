import { setTimeout as sleep } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { type CallFailure, describeFailure } from "../../support/errors.js";
import { isFullRun } from "../../support/full-run.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";
import { waitUntil } from "../../support/wait-until.js";

const test = suite("an outage of DynamoDB");
let server: TestServer;
let proxy: FaultProxy;
let client: KeyValueClient;

test.before(async () => {
  server = await startTestServer();
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client } = await server.replica({ endpoint: proxy.endpoint }));
});

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const outageMs = isFullRun ? 10_000 : 1500;
const callers = isFullRun ? 40 : 10;
/** A busy machine takes its time for so many calls at once. */
const timeoutMs = 3000;

interface Call {
  readonly key: string;
  readonly value: string;
  readonly phase: number;
  readonly failure: CallFailure | undefined;
}

function requestCount(): number {
  return [...proxy.requests.values()].reduce((sum, count) => sum + count, 0);
}

for (const outage of ["refuse", "hang"] as const) {
  test(`callers get typed errors, outcomes are true, and no storm follows, when requests ${outage}`, async () => {
    const calls: Call[] = [];
    // Before, during and after it.
    let phase = 0;
    let isOver = false;
    const running = Array.from({ length: callers }, async (_, caller) => {
      for (let n = 0; !isOver; n++) {
        const key = `${outage}-${caller}-${n}`;
        const startedIn = phase;
        const call = (failure: CallFailure | undefined) => calls.push({ key, value: key, phase: startedIn, failure });
        await client.set({ key, value: Buffer.from(key) }, { timeoutMs }).then(
          () => call(undefined),
          (error) => call(describeFailure(ConnectError.from(error))),
        );
        await sleep(10);
      }
    });
    let ordinary = 0;
    let recovered = 0;
    try {
      ordinary = await loadOf(5);
      phase = 1;
      proxy.decide = () => outage;
      await sleep(outageMs);
      await waitUntil("the outage is noticed", () =>
        calls.some((call) => call.phase === 1 && call.failure !== undefined),
      );
      proxy.decide = () => "forward";
      phase = 2;
      recovered = await loadOf(5);
      await waitUntil("it is over", () => calls.some((call) => call.phase === 2 && call.failure === undefined));
    } finally {
      isOver = true;
      await Promise.all(running);
    }

    for (const { key, failure } of calls) {
      const isThere = (await server.rawItem(key)) !== undefined;
      if (failure === undefined) {
        assert.ok(isThere, `${key} was acknowledged`);
        continue;
      }
      // A client whose deadline passes does not wait for what the server says about it.
      const outcome = failure.code === "DeadlineExceeded" ? (failure.outcome ?? "UNKNOWN") : failure.outcome;
      assert.ok(["Unavailable", "DeadlineExceeded"].includes(failure.code), failure.code);
      assert.ok(outcome === "NOT_APPLIED" || outcome === "UNKNOWN", `${outcome}`);
      assert.ok(outcome === "UNKNOWN" || !isThere, `${key} was reported as not applied`);
    }
    // One that is answered at once takes one request; some that have begun have not ended.
    assert.ok(recovered <= 2 * Math.max(1, ordinary), `${recovered} requests a call after it, ${ordinary} before`);

    /** The requests that reach the engine for each call that ends, over so many calls of each caller. */
    async function loadOf(rounds: number): Promise<number> {
      const [requests, ended] = [requestCount(), calls.length];
      await waitUntil("calls have ended", () => calls.length - ended >= rounds * callers);
      return (requestCount() - requests) / (calls.length - ended);
    }
  });
}

test.run();
