import { getEventListeners } from "node:events";
import type { Socket } from "node:net";
import * as assert from "uvu/assert";
import { Call } from "../../src/calls/call.js";
import { createStopSignal } from "../../src/calls/stop-signal.js";
import { suite } from "../support/suite.js";

const test = suite("the signal of a stop");

function createCall(): Call {
  return new Call({ path: "/", httpMethod: "POST", method: undefined, headers: {}, socket: {} as Socket });
}

test("a stop aborts the calls that run, those that come later too, and none that has ended, by one listener for all", () => {
  const shutdown = new AbortController();
  const stopSignal = createStopSignal(shutdown.signal);
  const { signal } = new AbortController();
  const [running, ended] = [createCall(), createCall()];
  const signals = [stopSignal(running, signal), stopSignal(ended, signal)];
  assert.is(getEventListeners(shutdown.signal, "abort").length, 1);
  ended.end();
  shutdown.abort("stopped");
  assert.equal(
    signals.map(({ aborted, reason }) => [aborted, reason]),
    [
      [true, "stopped"],
      [false, undefined],
    ],
  );
  assert.is(stopSignal(createCall(), signal).reason, "stopped");
});

test("a client that leaves aborts its call alone", () => {
  const stopSignal = createStopSignal(new AbortController().signal);
  const leaving = new AbortController();
  const left = stopSignal(createCall(), leaving.signal);
  const other = stopSignal(createCall(), new AbortController().signal);
  leaving.abort("left");
  assert.equal([left.reason, other.aborted], ["left", false]);
  assert.is(stopSignal(createCall(), leaving.signal).reason, "left");
});

test.run();
