import type { Copy } from "./copy.js";
import type { Reaching } from "./find-tests.js";
import { isAbout } from "./folders.js";
import type { Mutant } from "./make-mutants.js";
import type { Verdict } from "./report.js";
import type { Chosen, Limits, TestRun } from "./run-test.js";

/** How many tests are tried before all others: those that are likely to notice a slip. */
const firstTests = 6;
/** How many test files are tried for one slip, and how long they may take. */
const maxFiles = 6;
const maxMs = 10_000;
/** The same for those that are about its folder. */
const maxMsAbout = 30_000;
const sumOfMs = (tests: readonly Reaching[]) => tests.reduce((sum, { ms }) => sum + ms, 0);

/**
 * Whether tests notice a slip. A thorough one runs the files that reach it whole, and more of them. Undefined where the machine is too
 * busy to tell.
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
  const within = reaching.filter(({ file }, n) => {
    const ms = sumOfMs(reaching.slice(0, n + 1));
    return isAbout(file, mutant.file) ? ms < maxMsAbout * factor : n < maxFiles * factor && ms < maxMs * factor;
  });
  // The first is tried whatever it takes.
  const all = within.length === 0 ? reaching.slice(0, 1) : within;
  const first = likelyOf(all);
  const others = all
    .map(({ file, tests, whole }) => ({
      file,
      tests: isThorough
        ? whole
        : tests
            .map(({ test }) => test)
            .filter((test) => !first.some((each) => each.file === file && each.tests.includes(test))),
    }))
    .filter(({ tests }) => tests.length > 0);
  // On a machine that is busy with others.
  const longest = Math.max(...all.flatMap(({ tests }) => tests.map(({ ms }) => ms)));
  const limits = { runMs: 60_000 + 8 * sumOfMs(all), testMs: 10_000 + 5 * longest };
  for (const chosen of [first, others].filter(({ length }) => length > 0)) {
    const verdict = await tried(copy, mutant, chosen, limits);
    if (verdict !== "unnoticed") {
      return verdict;
    }
  }
  return { mutant, state: "survived" };
}

/** Those that have noticed other slips in its source file, and those that do little but what it is about. */
function likelyOf(reaching: readonly Reaching[]): { file: string; tests: string[] }[] {
  const likely = reaching
    .slice(0, 3)
    .flatMap(({ file, tests }) => tests.map((each) => ({ file, ...each })))
    .sort((a, b) => b.noticed - a.noticed || a.blocks - b.blocks)
    .slice(0, firstTests);
  return [...new Set(likely.map(({ file }) => file))].map((file) => ({
    file,
    tests: likely.filter((each) => each.file === file).map(({ test }) => test),
  }));
}

async function tried(
  copy: Copy,
  mutant: Mutant,
  chosen: readonly Chosen[],
  limits: Limits,
): Promise<Verdict | "unnoticed" | undefined> {
  let run = await withSlip();
  // What took too long may have had to wait for others on the machine.
  if (run.isTimeout) {
    run = await withSlip();
  }
  if (run.isPassed) {
    return "unnoticed";
  }
  if (!(await standsWithout(run))) {
    // Slips before this one may have left something behind, or tests lean on others of their file.
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

  /** Whether what has failed passes without the slip, in the process in which it has failed. */
  async function standsWithout({ file, test }: TestRun): Promise<boolean> {
    const one = chosen.find((each) => each.file === file) ?? chosen[0];
    const tests = test === undefined ? one?.tests : [test];
    return one !== undefined && (await copy.tests.run([{ file: one.file, tests }], limits)).isPassed;
  }
}
