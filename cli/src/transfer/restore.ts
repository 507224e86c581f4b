import type { DynakvClient } from "@dynakv/client";
import { DynakvError, type Reason } from "@dynakv/client";
import type { EntryLine } from "./entry-line.js";

export type Restored = "stored" | "present" | "expired";

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
  // Idempotent: the file says what the key shall hold, and saying it twice is no harm.
  const options = { expiry, idempotent: true, ...(ifAbsent ? { ifAbsent } : {}) } as const;
  try {
    await (data.kind === "counter"
      ? client.setCounter(key, data.counter, options)
      : client.set(key, data.value, options));
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

function isOf(error: unknown, reason: Reason): boolean {
  return error instanceof DynakvError && error.reason === reason;
}
