import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { estimateTimeLeft, formatTimeLeft } from "../src/transfer/time-left.js";

const test = suite("time left");

test("is that of the rest, at the pace since the first look", () => {
  assert.is(estimateTimeLeft({ total: 1000, from: 0, at: 250, elapsedMs: 10_000 }), 30_000);
  // What earlier runs have done says nothing of the pace.
  assert.is(estimateTimeLeft({ total: 1000, from: 500, at: 750, elapsedMs: 10_000 }), 10_000);
  // It grows while nothing moves.
  assert.is(estimateTimeLeft({ total: 1000, from: 500, at: 750, elapsedMs: 40_000 }), 40_000);
});

test("is not told before there is anything to tell it by, nor when all is done", () => {
  for (const course of [
    { from: 0, at: 0, elapsedMs: 60_000 },
    { from: 500, at: 500, elapsedMs: 60_000 },
    { from: 0, at: 900, elapsedMs: 999 },
    { from: 0, at: 1000, elapsedMs: 60_000 },
    // A file that has grown since.
    { from: 0, at: 1200, elapsedMs: 60_000 },
  ]) {
    assert.is(estimateTimeLeft({ total: 1000, ...course }), undefined);
  }
});

test("is told no more exactly than it is known, and never as none", () => {
  for (const [seconds, text] of [
    [0.001, "~1 s left"],
    [89.5, "~90 s left"],
    [91, "~2 min left"],
    [90 * 60, "~90 min left"],
    [90 * 60 + 1, "~2 h left"],
    [48 * 3600, "~48 h left"],
    [49 * 3600, "~3 d left"],
    [1e12, "more than 99 d left"],
  ] as const) {
    assert.is(formatTimeLeft(seconds * 1000), text);
  }
});

test.run();
