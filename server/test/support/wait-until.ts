import { setTimeout as sleep } from "node:timers/promises";

/** So long that only what will never be is given up, on a busy machine as well. */
const patienceMs = 30_000;

/** Resolves once the condition holds; rejects, saying what it waited for, when it does not for long. */
export async function waitUntil(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const givesUpAt = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > givesUpAt) {
      throw new Error(`waited in vain until ${what}`);
    }
    await sleep(10);
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
