import type { Copy } from "./copy.js";
import type { Reaching } from "./find-tests.js";
import { isAbout } from "./folders.js";
import type { Mutant } from "./make-mutants.js";
import type { Verdict } from "./report.js";
import type { Chosen, Limits, TestRun } from "./run-test.js";

/** How many tests are tried before all others: those that are likely to notice a slip. */
const firstTests = 6;
/** How long the tests that are tried for one slip take, and those among them that are not about its folder. */
const maxMs = 12_000;
const maxMsOfOthers = 4_000;

/**
 * Whether tests notice a slip. A thorough one runs three times as many, and their files whole. Undefined where the machine is too busy to tell.
 */
export async function judge(
  copy: Copy,
  mutant: Mutant,
  reaching: readonly Reaching[],
  { isThorough }: { readonly isThorough: boolean },
): Promise<Verdict | undefined> {
  if (reaching.length === 0) {
    return { mutant, state: "unreached" };
  }
  const factor = isThorough ? 3 : 1;
  const about = reaching.filter(({ file }) => isAbout(file, mutant.file));
  const others = reaching.filter(({ file }) => !isAbout(file, mutant.file));
  const all = [...within(about, maxMs * factor), ...within(others, maxMsOfOthers * factor)];
  // Those that have noticed other slips in its source file, and those that do little but what it is about.
  const likely = [...all].sort((a, b) => b.noticed - a.noticed || a.blocks - b.blocks).slice(0, firstTests);
  const rest = isThorough ? all : all.filter((each) => !likely.includes(each));
  for (const some of [likely, rest].filter(({ length }) => length > 0)) {
    const files = [...new Set(some.map(({ file }) => file))];
    const chosen = files.map((file) => ({
      file,
      tests:
        isThorough && some === rest ? undefined : some.filter((each) => each.file === file).map(({ test }) => test),
    }));
    const verdict = await tried(copy, mutant, chosen, limitsOf(some));
    if (verdict !== "unnoticed") {
      return verdict;
    }
  }
  return { mutant, state: "survived" };
}

/** As many as take no longer together, the quickest first; one at least, whatever it takes. */
function within(tests: readonly Reaching[], mostMs: number): Reaching[] {
  let sum = 0;
  return [...tests]
    .sort((a, b) => a.ms - b.ms)
    .filter(({ ms }, n) => {
      sum += ms;
      return n === 0 || sum <= mostMs;
    });
}

/** On a machine that is busy with others. */
function limitsOf(tests: readonly Reaching[]): Limits {
  return {
    runMs: 60_000 + 8 * tests.reduce((sum, { ms }) => sum + ms, 0),
    testMs: 20_000 + 10 * Math.max(...tests.map(({ ms }) => ms)),
  };
}

async function tried(
  copy: Copy,
  mutant: Mutant,
  chosen: readonly Chosen[],
  limits: Limits,
): Promise<Verdict | "unnoticed" | undefined> {
  let run = await withSlip();
  if (run.isPassed) {
    return "unnoticed";
  }
  const without = await standsWithout(run);
  // What took too long may have had to wait for others on the machine. And slips before this one may have left something behind, or
  // tests lean on others of their file.
  const isDoubtful = run.isTimeout && without.ms > limits.testMs / 3;
  if (!without.isPassed || isDoubtful) {
    copy.tests.startAnew();
    run = await withSlip();
    if (run.isPassed) {
      return "unnoticed";
    }
    if (!(await copy.tests.run(chosen, limits)).isPassed) {
      copy.tests.startAnew();
      return undefined;
    }
  }
  const test = run.file ?? "";
  return {
    mutant,
    state: "killed",
    test,
    by: `${test}: ${run.failed}`,
    ...(run.test === undefined ? {} : { title: run.test }),
  };

  async function withSlip(): Promise<TestRun> {
    const undo = await copy.change(mutant.file, mutant.line, mutant.after);
    try {
      return await copy.tests.run(chosen, limits);
    } finally {
      await undo();
    }
  }

  /** What has failed, without the slip, in the process in which it has failed. */
  async function standsWithout({ file, test }: TestRun): Promise<TestRun> {
    const one = chosen.find((each) => each.file === file) ?? (chosen[0] as Chosen);
    const tests = test === undefined ? one.tests : [test];
    return copy.tests.run([{ file: one.file, tests }], limits);
  }
}
