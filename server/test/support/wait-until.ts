import { setTimeout as sleep } from "node:timers/promises";

/**
 * Resolves once the condition holds; rejects, saying what it waited for, when it does not for so long that it never will, on a busy
 * machine as well.
 */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = 30_000,
): Promise<void> {
  const givesUpAt = performance.now() + patienceMs;
  const done = new AbortController();
  // The condition may be a call that is never answered.
  const late = sleep(patienceMs, "late", { signal: done.signal, ref: false }).catch(() => {});
  try {
    for (;;) {
      const held = await Promise.race([condition(), late]);
      if (held === true) {
        return;
      }
      if (held === "late" || performance.now() > givesUpAt) {
        throw new Error(`waited in vain until ${what}`);
      }
      await sleep(10);
    }
  } finally {
    done.abort();
  }
}

/** Resolves with a number once it has stopped changing. */
export async function settled(read: () => number): Promise<number> {
  let last = read();
  for (let same = 0; same < 20; ) {
    await sleep(10);
    const now = read();
    same = now === last ? same + 1 : 0;
    last = now;
  }
  return last;
}

/** As {@link waitUntil}, for what must be seen in the very turn of the event loop in which it comes. */
export async function watchUntil(what: string, condition: () => boolean, patienceMs = 30_000): Promise<void> {
  const givesUpAt = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > givesUpAt) {
      throw new Error(`waited in vain until ${what}`);
    }
    await new Promise(setImmediate);
  }
}

/**
 * Runs what has to come somewhere before a deadline passes: with a longer one each time, until one was long enough for the machine as
 * busy as it is.
 */
export async function withLongEnoughDeadline(run: (timeoutMs: number) => Promise<boolean>): Promise<void> {
  for (let timeoutMs = 300; !(await run(timeoutMs)); timeoutMs *= 4) {
    if (timeoutMs > 30_000) {
      throw new Error(`nothing came within ${timeoutMs} ms`);
    }
  }
}
