import { appendFileSync } from "node:fs";
import { inspect } from "node:util";
import { suite as uvuSuite } from "uvu";

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
 * A suite of uvu's that fails aloud. uvu takes `details` of an error for text, which breaks on a ConnectError, and it drops
 * what `before` throws: either way the suite would end early, without a word, as if it had passed.
 */
export function suite(name: string): Suite {
  const inner = uvuSuite(name);
  const before = (handler: Handler) => inner.before(() => reported(name, handler));
  const add = (title: string, handler: Handler) => {
    record(title, "added");
    inner(title, async () => {
      await formattable(handler);
      record(title, "passed");
    });
  };
  return Object.assign(add, {
    only: (title: string, handler: Handler) => inner.only(title, () => formattable(handler)),
    before: Object.assign(before, { each: (handler: Handler) => inner.before.each(() => formattable(handler)) }),
    after: inner.after as Hook,
    run: () => inner.run(),
  });
}

/**
 * Notes a test in the file that DYNAKV_TEST_RECORD names, for tests/engines/main.ts. uvu names only tests that fail, and
 * not even those when a suite breaks off.
 */
function record(test: string, state: "added" | "passed"): void {
  if (process.env.DYNAKV_TEST_RECORD !== undefined) {
    appendFileSync(process.env.DYNAKV_TEST_RECORD, `${JSON.stringify({ test, state })}\n`);
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

async function reported(name: string, handler: Handler): Promise<void> {
  try {
    await handler();
  } catch (error) {
    process.stdout.write(`\n   FAIL  ${name}  before its first test: ${inspect(error)}\n`);
    throw error;
  }
}
