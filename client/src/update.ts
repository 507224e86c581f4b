import type { CallOptions } from "./call-options.js";
import { DynakvError } from "./errors.js";
import type { Written } from "./operations.js";
import { sleep } from "./sleep.js";
import type { ConditionOptions, Expiry } from "./write-options.js";

/** Options of update. */
export interface UpdateOptions extends CallOptions {
  /** Expiry of the entry. The default keeps its expiry, and gives one that is created the server's. */
  readonly expiry?: Expiry | undefined;
  /** How often the entry is read, changed and written in all, when others keep changing it: from 1. The default is 10. */
  readonly maxTries?: number | undefined;
}

/** The result of an update that has written. */
export interface Updated<V> extends Written {
  readonly value: V;
}

/** What an update of one key is made of. */
export interface UpdateSteps<Read, Write> {
  /** Reads it strongly. */
  read(): Promise<{ readonly value: Read; readonly etag: string } | undefined>;
  /** Changes a value; undefined leaves what there is. */
  change(value: Read | undefined): Write | undefined | Promise<Write | undefined>;
  write(value: Write, condition: ConditionOptions): Promise<Written>;
}

/** Reads, changes and writes a value until nobody else has written it in between. */
export async function updateValue<Read, Write>(
  { read, change, write }: UpdateSteps<Read, Write>,
  tries: number,
  signal: AbortSignal,
): Promise<Updated<Write> | undefined> {
  for (let attempt = 1; ; attempt++) {
    const found = await read();
    const value = await change(found?.value);
    if (value === undefined) {
      return undefined;
    }
    try {
      const written = await write(value, found === undefined ? { ifAbsent: true } : { ifEtag: found.etag });
      return { ...written, value };
    } catch (error) {
      if (!wasOvertaken(error) || attempt >= tries) {
        throw error;
      }
    }
    // Those who were overtaken together do not come back together.
    await sleep(Math.random() * Math.min(200, 5 * 2 ** attempt), signal);
  }
}

/** Another has written in between, and this has certainly changed nothing. */
export function wasOvertaken(error: unknown): boolean {
  return (
    error instanceof DynakvError &&
    (error.reason === "ETAG_MISMATCH" || error.reason === "ALREADY_EXISTS") &&
    error.outcome === "NOT_APPLIED"
  );
}
