import { setTimeout as sleep } from "node:timers/promises";

/** Resolves once something is so; rejects, naming it, when it does not come to be. */
export async function waitUntil(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (isSo()) {
      return;
    }
    await sleep(10);
  }
  throw new Error(`did not happen: ${what}`);
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
