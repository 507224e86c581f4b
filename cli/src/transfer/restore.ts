import type { DynakvClient } from "@dynakv/client";
import { DynakvError, type Reason } from "@dynakv/client";
import type { EntryLine } from "./entry-line.js";

export type Restored = "stored" | "present" | "expired";

/** Attempts on a counter that others keep changing. */
const maxTries = 20;
/** Tolerated clock skew between here and the server, with the time that the call has taken. */
const clocksApartMs = 5000;

/**
 * Stores an entry as it was: value or counter, and expiry. Doing it again changes nothing. `ifAbsent` leaves what the key holds.
 */
export async function restoreEntry(
  client: DynakvClient,
  line: EntryLine,
  { ifAbsent }: { readonly ifAbsent: boolean },
): Promise<Restored> {
  const { key, data, expireTime } = line;
  if (expireTime !== undefined && expireTime.getTime() <= Date.now()) {
    return "expired";
  }
  const expiry = expireTime ?? "never";
  try {
    if (data.kind === "counter") {
      return await restoreCounter(client, { key, counter: data.counter, expiry }, ifAbsent);
    }
    // Idempotent: the file says what the key shall hold, and saying it twice is no harm.
    await client.set(key, data.value, { expiry, idempotent: true, ...(ifAbsent ? { ifAbsent } : {}) });
    return "stored";
  } catch (error) {
    if (isOf(error, "ALREADY_EXISTS")) {
      return "present";
    }
    // It has expired by the server's clock. One that lies further ahead is refused for another reason.
    if (
      isOf(error, "INVALID_EXPIRY") &&
      expireTime !== undefined &&
      expireTime.getTime() <= Date.now() + clocksApartMs
    ) {
      return "expired";
    }
    throw error;
  }
}

interface CounterLine {
  readonly key: string;
  readonly counter: bigint;
  readonly expiry: Date | "never";
}

/**
 * Brings a counter to the number in the file, by increments that are applied only if they lead there: bounded by that number from
 * below and from above. So nothing is ever added twice, by a repetition, by another run, or beside another writer.
 */
async function restoreCounter(client: DynakvClient, line: CounterLine, ifAbsent: boolean): Promise<Restored> {
  const { key, counter, expiry } = line;
  if (ifAbsent && (await client.get(key, { consistency: "strong" })) !== undefined) {
    return "present";
  }
  const exactly = { min: counter, max: counter, expiry };
  // Creates it, or finds that it is so already.
  let step = { delta: 0n, initial: counter };
  for (let tries = 1; ; tries++) {
    try {
      await client.incr(key, { ...exactly, ...step });
      return "stored";
    } catch (error) {
      if (!isOf(error, "OUT_OF_BOUNDS") && !isOf(error, "WRONG_KIND")) {
        throw error;
      }
      // The key holds another number, or a value.
      if (ifAbsent) {
        return "present";
      }
      if (tries >= maxTries) {
        throw error;
      }
    }
    const entry = await client.get(key, { consistency: "strong" });
    step = { delta: 0n, initial: counter };
    if (entry?.kind === "counter" && BigInt.asIntN(64, counter - entry.counter) === counter - entry.counter) {
      // From what it is now; if that has changed meanwhile, the bounds refuse it.
      step = { delta: counter - entry.counter, initial: entry.counter };
    } else if (entry !== undefined) {
      await removeUnchanged(client, key, entry.etag);
    }
  }
}

/** Removes what cannot become the counter, unless another has changed it: then it is looked at again. */
async function removeUnchanged(client: DynakvClient, key: string, ifEtag: string): Promise<void> {
  try {
    await client.delete(key, { ifEtag, idempotent: true });
  } catch (error) {
    if (!isOf(error, "ETAG_MISMATCH")) {
      throw error;
    }
  }
}

function isOf(error: unknown, reason: Reason): boolean {
  return error instanceof DynakvError && error.reason === reason;
}
