import type { Copy } from "./copy.js";
import type { Reaching } from "./find-tests.js";
import { isAbout } from "./folders.js";
import type { Mutant } from "./make-mutants.js";
import type { Verdict } from "./report.js";
import { type Chosen, runTests } from "./run-test.js";

/** How many test files are tried for one slip, and how long they may take. */
const maxTests = 6;
const maxMs = 10_000;
/** The same for those that are about its folder. */
const maxMsAbout = 120_000;
const sumOfMs = (tests: readonly Reaching[]) => tests.reduce((sum, { ms }) => sum + ms, 0);

/** Which tests are known to pass without any slip when no others of their files are run. */
const standing = new Map<string, Promise<boolean>>();

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
  const factor = isThorough ? 3 : 1;
  const tests = reaching.filter(({ file }, n) => {
    const ms = sumOfMs(reaching.slice(0, n + 1));
    return isAbout(file, mutant.file) ? ms < maxMsAbout * factor : n < maxTests * factor && ms < maxMs * factor;
  });
  // The first is tried whatever it takes.
  const chosen = (tests.length === 0 ? reaching.slice(0, 1) : tests).map(({ file, tests: some, whole }) => ({
    file,
    tests: isThorough ? whole : some,
    whole,
  }));
  if (chosen.length === 0) {
    return { mutant, state: "unreached" };
  }
  const limitMs = 60_000 + 8 * sumOfMs(tests);
  return await tried(copy, mutant, chosen, limitMs);
}

async function tried(
  copy: Copy,
  mutant: Mutant,
  chosen: readonly (Chosen & { readonly whole: readonly string[] })[],
  limitMs: number,
): Promise<Verdict | undefined> {
  const undo = await copy.change(mutant.file, mutant.line, mutant.after);
  try {
    const first = await runTests(copy.root, chosen, limitMs);
    // What took too long may have had to wait for others on the machine.
    const run = first.isTimeout ? await runTests(copy.root, chosen, limitMs) : first;
    await undo();
    if (run.isPassed) {
      return { mutant, state: "survived" };
    }
    if (run.isTimeout && !(await runTests(copy.root, chosen, limitMs)).isPassed) {
      return undefined;
    }
    const test = run.file ?? "";
    const one = chosen.find(({ file }) => file === test);
    if (one !== undefined && !(await stands(copy, one, limitMs))) {
      if (one.tests === one.whole) {
        return undefined;
      }
      // They lean on others of their file.
      const all = chosen.map((each) => (each === one ? { ...each, tests: each.whole } : each));
      return await tried(copy, mutant, all, limitMs * 2);
    }
    return { mutant, state: "killed", test, by: `${test}: ${run.failed ?? "it broke off"}` };
  } finally {
    await undo();
  }
}

function stands(copy: Copy, chosen: Chosen, limitMs: number): Promise<boolean> {
  const key = JSON.stringify([chosen.file, chosen.tests]);
  const known =
    standing.get(key) ??
    runTests(copy.root, [{ file: chosen.file, tests: chosen.tests }], limitMs).then(({ isPassed }) => isPassed);
  standing.set(key, known);
  return known;
}
