import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { readPage } from "./pages.js";

const test = suite("figures of README");

/** The first group of a pattern in a page, as a number. */
function figure(page: string, pattern: RegExp): number {
  const found = pattern.exec(readPage(page))?.[1];
  assert.ok(found, `${page} has no ${pattern}`);
  return Number(found.replaceAll(",", ""));
}

// Another run of the benchmark, the histories or the suite changes them: README has to follow.
for (const [what, inReadme, page, measured] of [
  ["conformance cases", /\[([\d,]+) conformance cases\]/, "docs/conformance.md", /(\d+)\s+pass\./],
  ["operations of histories", /([\d,]+) operations/, "docs/histories.md", /seeds, ([\d,]+) operations/],
  ["faults of histories", /under ([\d,]+) injected faults/, "docs/histories.md", /under ([\d,]+) faults/],
  [
    "Gets a second",
    /makes (\d+) times as many calls/,
    "docs/bench.md",
    /calls a second to those of the SDK \|[^|]*\| ([\d.]+)×/,
  ],
  ["requests of a hot key", /Gets of one key are (\d+) requests/, "docs/bench.md", /hot key, [^|]*\|[^|]*\| ([\d.]+) /],
  ["requests of a hot counter", /one counter are (\d+),/, "docs/bench.md", /hot counter, [^|]*\|[^|]*\| ([\d.]+) /],
] as const) {
  test(what, () => {
    assert.is(figure("README.md", inReadme), Math.round(figure(page, measured)));
  });
}

test.run();
