import { appendFileSync } from "node:fs";
import { inspect } from "node:util";
import { suite as uvuSuite } from "uvu";
import { isFullRun } from "./full-run.js";

type Handler = () => Promise<void> | void;

interface Hook {
  (handler: Handler): void;
  each(handler: Handler): void;
}

/** A suite of tests: call it with a title and a test, then `run()` it. */
export interface Suite {
  (title: string, handler: Handler): void;
  only(title: string, handler: Handler): void;
  before: Hook;
  after: Hook;
  run(): void;
}

/**
 * How long a test or a hook may take, in milliseconds: many times what the slowest takes on a machine that is busy with others, so that
 * only what hangs is ended by it, and is named. A full run tries as much as the docs speak of, which takes some tests many minutes.
 */
const limitMs = Number(process.env.DYNAKV_TEST_LIMIT_MS ?? (isFullRun ? 3_600_000 : 240_000));

/** Who runs only some of the tests, and wants to know which of them runs: tests/mutants. */
interface TestChoice {
  isChosen(test: string): boolean;
  begins(test: string): void;
  ends(test: string): void;
}

declare global {
  var dynakvTests: TestChoice | undefined;
  /** What uvu's runner tells: its files, of each the name and then its suites, and the place of the one that it loads. */
  var UVU_QUEUE: [string | null, ...unknown[]][] | undefined;
  var UVU_INDEX: number | undefined;
}

/**
 * A suite of uvu's that fails aloud. uvu takes `details` of an error for text, which breaks on a ConnectError, it drops what `before`
 * throws, and it waits without end for a test that hangs: the suite would end early or never, without a word.
 */
export function suite(name: string): Suite {
  const inner = uvuSuite(name);
  const file = globalThis.UVU_QUEUE?.[globalThis.UVU_INDEX ?? 0]?.[0] ?? undefined;
  const limited = (title: string, handler: Handler) => () =>
    formattable(() => withinLimit(`${name}: ${title}`, handler));
  const before = (handler: Handler) =>
    inner.before(() => reported(name, "before its first test", limited("before its first test", handler)));
  // What throws after the last test ends the run before uvu has told of the tests that failed, of which it mostly comes.
  const failed: string[] = [];
  const after = (handler: Handler) =>
    inner.after(async () => {
      const when = `${failed.map((each) => `after ${each}; `).join("")}after its last test`;
      await reported(name, when, limited("after its last test", handler));
    });
  const { dynakvTests: choice } = globalThis;
  let chosen = 0;
  const add = (title: string, handler: Handler) => {
    const test = `${name}: ${title}`;
    if (choice?.isChosen(test) === false) {
      return;
    }
    chosen++;
    record(file, title, "added");
    inner(title, async () => {
      choice?.begins(test);
      try {
        await limited(title, handler)();
      } catch (error) {
        failed.push(`"${title}" failed: ${inspect(error)}`);
        // Who looks only for the first failure need not wait for uvu, which tells of them at the end of a suite.
        if (process.env.DYNAKV_TEST_TELL_AT_ONCE !== undefined) {
          const [message] = (error instanceof Error ? error.message : inspect(error)).split("\n");
          process.stdout.write(`\n   FAIL  ${name}  "${title}": ${message}\n`);
        }
        throw error;
      } finally {
        choice?.ends(test);
      }
      record(file, title, "passed");
    });
  };
  return Object.assign(add, {
    only: (title: string, handler: Handler) => inner.only(title, limited(title, handler)),
    before: Object.assign(before, {
      each: (handler: Handler) => inner.before.each(limited("before each test", handler)),
    }),
    after: Object.assign(after, { each: (handler: Handler) => inner.after.each(limited("after each test", handler)) }),
    run: () => {
      // What no test is left of need not be set up.
      if (choice === undefined || chosen > 0) {
        inner.run();
      }
    },
  });
}

/** Fails what hangs, and says so at once: uvu tells of failures at the end of a suite, which what hangs may hold up. */
async function withinLimit(title: string, handler: Handler): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`has not ended within ${limitMs / 1000} s`);
      process.stdout.write(`\n   HANGS  ${title}: ${error.message}\n`);
      reject(error);
    }, limitMs);
  });
  try {
    await Promise.race([handler(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Notes a test in the file that DYNAKV_TEST_RECORD names, for tests/engines/main.ts. uvu names only tests that fail, and
 * not even those when a suite breaks off.
 */
function record(file: string | undefined, test: string, state: "added" | "passed"): void {
  if (process.env.DYNAKV_TEST_RECORD !== undefined) {
    appendFileSync(process.env.DYNAKV_TEST_RECORD, `${JSON.stringify({ file, test, state })}\n`);
  }
}

async function formattable(handler: Handler): Promise<void> {
  try {
    await handler();
  } catch (error) {
    const breaks = !(error instanceof Error) || ("details" in error && Array.isArray(error.details));
    throw breaks ? new Error(inspect(error)) : error;
  }
}

async function reported(name: string, when: string, handler: Handler): Promise<void> {
  try {
    await handler();
  } catch (error) {
    process.stdout.write(`\n   FAIL  ${name}  ${when}: ${inspect(error)}\n`);
    throw error;
  }
}
