import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runUvu } from "../../tools/run-uvu.js";
import { groupFiles, slowTests } from "../../tools/test-files.js";
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
}

/** What became of the files of one process. */
export interface GroupResult {
  /** By the name of the file. */
  readonly suites: ReadonlyMap<string, SuiteResult>;
  readonly output: string;
}

/** How long a process may take: many times what the slowest does, on any engine. */
const limitMs = 1_500_000;
const filesOfProcess = 9;

/**
 * The files of each process. A slow one has a process of its own, and so has one whose failures are known, so that what a
 * failed test leaves meets no other file.
 */
export function groupsFor(engine: string, files: readonly string[]): string[][] {
  const isAlone = (file: string) => slowTests.test(file) || differencesOf(engine, file).length > 0;
  return [
    ...files.filter(isAlone).map((file) => [file]),
    ...groupFiles(
      files.filter((file) => !isAlone(file)),
      filesOfProcess,
    ),
  ];
}

/** Runs test files in one process. Their tests tell what became of them in a file of records. */
export async function runSuites(
  engine: string,
  files: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<GroupResult> {
  const { DYNAKV_TEST_CLI, DYNAKV_TEST_COMMANDS } = process.env;
  const folder = mkdtempSync(join(tmpdir(), "dynakv-engines-"));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  process.on("exit", clear);
  try {
    const records = join(folder, "records");
    writeFileSync(records, "");
    const run = await runUvu(`^(${files.join("|").replaceAll(".", "\\.")})$`, {
      environment: { ...environment, DYNAKV_TEST_CLI, DYNAKV_TEST_COMMANDS, DYNAKV_TEST_RECORD: records },
      limitMs,
    });
    const suites = judge(engine, files, run.failed > 0, readFileSync(records, "utf8"));
    return { suites, output: run.output };
  } finally {
    clear();
    process.off("exit", clear);
  }
}

function judge(engine: string, files: readonly string[], runFailed: boolean, records: string) {
  const testsOf = new Map(files.map((file) => [file, new Map<string, boolean>()]));
  for (const line of records.split("\n").filter((each) => each !== "")) {
    const { file, test, state } = JSON.parse(line) as { file: string; test: string; state: "added" | "passed" };
    testsOf.get(file)?.set(test, state === "passed");
  }
  for (const tests of testsOf.values()) {
    // A file without a test has not been loaded, or a suite without one has been run.
    if (tests.size === 0) {
      tests.set(aroundTests, false);
    }
  }
  const all = [...testsOf.values()];
  if (runFailed && all.every((tests) => [...tests.values()].every((passed) => passed))) {
    // A hook failed after the last test. Where another file was to come its tests have not passed.
    all.at(-1)?.set(aroundTests, false);
  }
  return new Map([...testsOf].map(([file, tests]) => [file, judgeFile(engine, file, tests)] as const));
}

const aroundTests = "(around the tests)";

function judgeFile(engine: string, file: string, tests: ReadonlyMap<string, boolean>): SuiteResult {
  const expected = differencesOf(engine, file);
  const isKnown = (test: string) => expected.some((each) => each.test === test);
  const passed = [...tests.keys()].filter((test) => tests.get(test));
  const notPassed = [...tests.keys()].filter((test) => !tests.get(test));
  return {
    suite: suiteNameOf(file),
    passed,
    known: notPassed.filter(isKnown),
    failed: notPassed.filter((test) => !isKnown(test)),
    outdated: expected.map(({ test }) => test).filter((test) => !notPassed.includes(test)),
  };
}

function differencesOf(engine: string, file: string) {
  return knownDifferences.filter((each) => each.engine === engine && each.suite === suiteNameOf(file));
}
