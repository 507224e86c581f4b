import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runUvu } from "../../tools/run-uvu.js";
import { suiteNameOf } from "./behavioural-files.js";
import { knownDifferences } from "./known-differences.js";

/** What became of the tests of one file on one engine: their titles. */
export interface SuiteResult {
  readonly suite: string;
  readonly passed: readonly string[];
  /** Failed, as the table of known differences says. */
  readonly known: readonly string[];
  readonly failed: readonly string[];
  /** Known differences that passed, or of which there is no test: the table is out of date. */
  readonly outdated: readonly string[];
  readonly output: string;
}

/** No file takes nearly as long, on any engine. */
const limitMs = 300_000;

/**
 * Runs one test file in a process of its own, so that one that breaks off takes no other with it. Its tests tell what became
 * of them in a file of records.
 */
export async function runSuite(engine: string, file: string, environment: NodeJS.ProcessEnv): Promise<SuiteResult> {
  const suite = suiteNameOf(file);
  const folder = mkdtempSync(join(tmpdir(), "dynakv-engines-"));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  process.on("exit", clear);
  try {
    const records = join(folder, "records");
    writeFileSync(records, "");
    const run = await runUvu(`^${file.replaceAll(".", "\\.")}$`, {
      environment: { ...environment, DYNAKV_TEST_RECORD: records },
      limitMs,
    });
    return judge(engine, suite, run.failed > 0, readFileSync(records, "utf8"), run.output);
  } finally {
    clear();
    process.off("exit", clear);
  }
}

function judge(engine: string, suite: string, runFailed: boolean, records: string, output: string): SuiteResult {
  const passedTests = new Map<string, boolean>();
  for (const line of records.split("\n").filter((each) => each !== "")) {
    const { test, state } = JSON.parse(line) as { test: string; state: "added" | "passed" };
    passedTests.set(test, state === "passed");
  }
  if (runFailed && [...passedTests.values()].every((passed) => passed)) {
    // A hook or an import failed.
    passedTests.set("(around the tests)", false);
  }
  const expected = knownDifferences.filter((each) => each.engine === engine && each.suite === suite);
  const isKnown = (test: string) => expected.some((each) => each.test === test);
  const passed = [...passedTests.keys()].filter((test) => passedTests.get(test));
  const notPassed = [...passedTests.keys()].filter((test) => !passedTests.get(test));
  return {
    suite,
    passed,
    known: notPassed.filter(isKnown),
    failed: notPassed.filter((test) => !isKnown(test)),
    outdated: expected.map(({ test }) => test).filter((test) => !notPassed.includes(test)),
    output,
  };
}
