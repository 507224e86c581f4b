import type { Logger } from "pino";

/** Counts what happens, and logs how often it did: at once the first time, and then no more than once a second. */
export interface CountedWarning<Kind extends string> {
  (kind: Kind): void;
  /** Logs what was counted since. */
  flush(): void;
}

const pauseMs = 1000;

/** For what a client can do as often as it likes: a line for each would fill the disk, and cost more than what it tells of. */
export function createCountedWarning<Kind extends string>(logger: Logger, message: string): CountedWarning<Kind> {
  let counts: Partial<Record<Kind, number>> = {};
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (Object.keys(counts).length > 0) {
      const fields: object = counts;
      logger.warn(fields, message);
      counts = {};
    }
  }

  function count(kind: Kind): void {
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (timer === undefined) {
      flush();
      timer = setTimeout(flush, pauseMs).unref();
    }
  }

  return Object.assign(count, { flush });
}
