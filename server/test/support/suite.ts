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
  return Object.assign((title: string, handler: Handler) => inner(title, () => formattable(handler)), {
    only: (title: string, handler: Handler) => inner.only(title, () => formattable(handler)),
    before: Object.assign(before, { each: (handler: Handler) => inner.before.each(() => formattable(handler)) }),
    after: inner.after as Hook,
    run: () => inner.run(),
  });
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
