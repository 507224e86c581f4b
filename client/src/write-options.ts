import type { MessageInitShape } from "@bufbuild/protobuf";
import { type DurationSchema, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type ConditionSchema, Consistency, type ExpirySchema } from "../../gen/dynakv/v1/entry_pb.js";
import type { ReadOptions } from "./call-options.js";

/**
 * Expiry of an entry: seconds after the write, a date, or never; `keep` leaves the expiry that the
 * entry has, and `server-default` takes the server's. Expiries are kept to the millisecond, rounded up.
 */
export type Expiry = { readonly seconds: number } | Date | "never" | "keep" | "server-default";

/** A condition of a write, checked in the same atomic request; at most one. An expired entry counts as absent. */
export type ConditionOptions = Absent | Present | Unchanged | Unconditional;
interface Absent {
  /** Write only if there is no entry; otherwise: `ALREADY_EXISTS`. */
  readonly ifAbsent: true;
  readonly ifPresent?: undefined;
  readonly ifEtag?: undefined;
}
interface Present {
  readonly ifAbsent?: undefined;
  /** Write only if there is an entry; otherwise: `NOT_PRESENT`. */
  readonly ifPresent: true;
  readonly ifEtag?: undefined;
}
interface Unchanged {
  readonly ifAbsent?: undefined;
  readonly ifPresent?: undefined;
  /** Write only if the entry has this etag; otherwise: `ETAG_MISMATCH`. */
  readonly ifEtag: string;
}
interface Unconditional {
  readonly ifAbsent?: undefined;
  readonly ifPresent?: undefined;
  readonly ifEtag?: undefined;
}

export function toExpiry(expiry: Expiry | undefined): { expiry?: MessageInitShape<typeof ExpirySchema> } {
  return expiry === undefined ? {} : { expiry: toExpiryMessage(expiry) };
}

export function toExpiryMessage(expiry: Expiry): MessageInitShape<typeof ExpirySchema> {
  return { policy: toPolicy(expiry) };
}

function toPolicy(expiry: Expiry): NonNullable<MessageInitShape<typeof ExpirySchema>["policy"]> {
  if (expiry instanceof Date) {
    return { case: "at", value: timestampFromDate(expiry) };
  }
  switch (expiry) {
    case "never":
    case "keep":
      return { case: expiry, value: {} };
    case "server-default":
      return { case: "serverDefault", value: {} };
  }
  return { case: "after", value: toDuration(expiry.seconds) };
}

/** Whole milliseconds, rounded up. */
export function toDuration(seconds: number): MessageInitShape<typeof DurationSchema> {
  const whole = Math.trunc(seconds);
  // A rounding error of the double must not add a millisecond.
  const fraction = (seconds - whole) * 1000;
  const milliseconds = Math.ceil(Number(fraction.toFixed(6)) || Math.sign(fraction));
  const carried = milliseconds === 1000 ? 1 : 0;
  return { seconds: BigInt(whole + carried), nanos: (milliseconds - carried * 1000) * 1_000_000 + 0 };
}

export function toCondition(options: ConditionOptions): { condition?: MessageInitShape<typeof ConditionSchema> } {
  const { ifAbsent, ifPresent, ifEtag } = options;
  if ([ifAbsent === true, ifPresent === true, ifEtag !== undefined].filter(Boolean).length > 1) {
    throw new TypeError("give one of ifAbsent, ifPresent and ifEtag");
  }
  if (ifAbsent === true) {
    return { condition: { test: { case: "ifAbsent", value: {} } } };
  }
  if (ifPresent === true) {
    return { condition: { test: { case: "ifPresent", value: {} } } };
  }
  return ifEtag === undefined ? {} : { condition: { test: { case: "ifEtag", value: ifEtag } } };
}

export function toConsistency({ consistency }: ReadOptions): Consistency {
  return consistency === "strong" ? Consistency.STRONG : Consistency.EVENTUAL;
}
