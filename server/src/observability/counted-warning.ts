import type { Logger } from "pino";

/** Counts what happens, and logs how often it did: at once the first time, and then no more than once a second. */
export interface CountedWarning<Kind extends string> {
  /** @param who did it, such as the address of a peer: a line names some of them */
  (kind: Kind, who?: string): void;
  /** Logs what was counted since. */
  flush(): void;
}

const pauseMs = 1000;
const maxNamed = 5;
const maxNameLength = 100;

/** For what a client can do as often as it likes: a line for each would fill the disk, and cost more than what it tells of. */
export function createCountedWarning<Kind extends string>(logger: Logger, message: string): CountedWarning<Kind> {
  let counts: Partial<Record<Kind, number>> = {};
  const names = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (Object.keys(counts).length > 0) {
      const fields: object = { ...counts, ...(names.size > 0 && { from: [...names] }) };
      logger.warn(fields, message);
      counts = {};
      names.clear();
    }
  }

  function count(kind: Kind, who?: string): void {
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (who !== undefined && names.size < maxNamed) {
      names.add(who.slice(0, maxNameLength));
    }
    if (timer === undefined) {
      flush();
      timer = setTimeout(flush, pauseMs).unref();
    }
  }

  return Object.assign(count, { flush });
}
