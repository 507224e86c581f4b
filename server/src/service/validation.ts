import type { Message } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { type Condition, Consistency, type Expiry } from "../../../gen/dynakv/v1/entry_pb.js";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import { ResultOrder, type SetRequest } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { DynakvError, invalidField } from "../errors/dynakv-error.js";
import type { ExpiryPolicy, StoredEntry, WriteCondition } from "../store/layout/entry.js";
import { maxKeyBytes } from "../store/layout/item-size.js";
import { hashMember } from "../store/layout/members.js";
import { archivePrefix, isArchiveKey } from "../store/layout/request-archive.js";
import { parseRequestId, type RequestId } from "../store/layout/request-id.js";
import { lastExpiryMs } from "./messages.js";

/** Validates a key; undefined when it is valid. */
export function keyError(key: string, field = "key"): DynakvError | undefined {
  if (key === "") {
    return invalidField(ErrorReason.INVALID_KEY, field, `0 bytes; a key has 1 to ${maxKeyBytes}`);
  }
  // A third of the limit is the shortest that can exceed it: most keys need not be measured.
  if (key.length > maxKeyBytes / 3) {
    const bytes = Buffer.byteLength(key);
    if (bytes > maxKeyBytes) {
      return invalidField(ErrorReason.INVALID_KEY, field, `${bytes} bytes; a key has 1 to ${maxKeyBytes}`);
    }
  }
  // Half of a surrogate pair, as JSON can carry it, has no form in UTF-8: two such keys would become the same one.
  if (!key.isWellFormed()) {
    return invalidField(ErrorReason.INVALID_KEY, field, "not UTF-8: it has a lone surrogate");
  }
  if (isArchiveKey(key)) {
    const message = `begins with '${archivePrefix}', which is kept for items of the server's own; choose another key`;
    return invalidField(ErrorReason.INVALID_KEY, field, message);
  }
  return undefined;
}

export function checkKey(key: string): void {
  const error = keyError(key);
  if (error !== undefined) {
    throw error;
  }
}

/** Checks what keys are to begin with; nothing is what all of them do. */
export function checkPrefix(prefix: string): void {
  const error = prefix === "" ? undefined : keyError(prefix, "prefix");
  if (error !== undefined) {
    // As long as a key at most, or no key can begin with it.
    throw invalidField(ErrorReason.INVALID_FIELD, "prefix", error.message.replace(/^prefix: /, ""));
  }
}

/** Far more than there is need of in one call, and few enough to be decoded in one go. */
const maxConditions = 1000;

/** Checks that each condition is for a position that is there. */
export function checkPositions(field: string, given: Readonly<Record<number, unknown>>, count: number): void {
  const positions = Object.keys(given);
  if (positions.length > maxConditions) {
    const problem = `${positions.length} ${field}; one call has ${maxConditions} at most`;
    throw invalidField(ErrorReason.INVALID_FIELD, field, problem);
  }
  const missing = positions.find((position) => Number(position) >= count);
  if (missing !== undefined) {
    throw invalidField(ErrorReason.INVALID_FIELD, field, `there is no position ${missing} in keys`);
  }
}

/** Returns true if a read must be strong. */
export function isStrong(consistency: Consistency): boolean {
  switch (consistency) {
    case Consistency.UNSPECIFIED:
    case Consistency.EVENTUAL:
      return false;
    case Consistency.STRONG:
      return true;
    default:
      throw invalidField(ErrorReason.INVALID_FIELD, "consistency", `${consistency} is not one that this server knows`);
  }
}

/** Returns true if results must come in the order of the request. */
export function isOrdered(order: ResultOrder): boolean {
  switch (order) {
    case ResultOrder.UNSPECIFIED:
    case ResultOrder.ARRIVAL:
      return false;
    case ResultOrder.REQUEST:
      return true;
    default:
      throw invalidField(ErrorReason.INVALID_FIELD, "order", `${order} is not one that this server knows`);
  }
}

/** An etag of ours has at most 37 characters. */
const maxEtagLength = 128;

export function toWriteCondition(condition: Condition | undefined): WriteCondition | undefined {
  if (condition === undefined) {
    return undefined;
  }
  const { test } = condition;
  switch (test.case) {
    case "ifAbsent":
      return { kind: "absent" };
    case "ifPresent":
      return { kind: "present" };
    case "ifEtag":
      if (test.value === "" || test.value.length > maxEtagLength) {
        throw invalidField(ErrorReason.INVALID_CONDITION, "condition.if_etag", "not an etag issued by this service");
      }
      return { kind: "etag", etag: test.value };
    default:
      throw invalidField(
        ErrorReason.INVALID_CONDITION,
        "condition",
        "no test that this server knows; set if_absent, if_present or if_etag",
      );
  }
}

/** The expiry of a counter that an increment creates. */
export function toExpiryIfCreated(
  created: Expiry | undefined,
  expiry: ExpiryPolicy | undefined,
  nowMs: number,
): ExpiryPolicy | undefined {
  const field = "expiry_if_created";
  const policy = toExpiryPolicy(created, nowMs, field);
  if (policy !== undefined && expiry !== undefined && expiry.kind !== "keep") {
    throw invalidField(ErrorReason.INVALID_EXPIRY, field, "set beside an expiry that is not keep; set one of the two");
  }
  if (policy?.kind === "keep") {
    throw invalidField(ErrorReason.INVALID_EXPIRY, field, "set after, at, never or server_default");
  }
  return policy;
}

/** @param field the name of the field that it is in */
export function toExpiryPolicy(expiry: Expiry | undefined, nowMs: number, field = "expiry"): ExpiryPolicy | undefined {
  if (expiry === undefined) {
    return undefined;
  }
  const { policy } = expiry;
  switch (policy.case) {
    case "after": {
      const { seconds, nanos } = policy.value;
      if (seconds < 0n || nanos < 0 || nanos > 999_999_999 || (seconds === 0n && nanos === 0)) {
        throw invalidField(ErrorReason.INVALID_EXPIRY, `${field}.after`, "not a positive duration");
      }
      return expireAt(`${field}.after`, Math.ceil(nowMs) + toMs(seconds, nanos), nowMs);
    }
    case "at": {
      const { seconds, nanos } = policy.value;
      if (nanos < 0 || nanos > 999_999_999) {
        throw invalidField(ErrorReason.INVALID_EXPIRY, `${field}.at`, "not a valid timestamp");
      }
      return expireAt(`${field}.at`, toMs(seconds, nanos), nowMs);
    }
    case "never":
      return { kind: "never" };
    case "keep":
      return { kind: "keep" };
    case "serverDefault":
      return { kind: "default" };
    default:
      throw invalidField(
        ErrorReason.INVALID_EXPIRY,
        field,
        "no policy that this server knows; set after, at, never, keep or server_default",
      );
  }
}

/** A duration in milliseconds, rounded up; undefined when it is unset. */
export function toPositiveMs(field: string, duration: Duration | undefined): number | undefined {
  if (duration === undefined) {
    return undefined;
  }
  const { seconds, nanos } = duration;
  if (seconds < 0n || nanos < 0 || nanos > 999_999_999 || (seconds === 0n && nanos === 0)) {
    throw invalidField(ErrorReason.INVALID_FIELD, field, "not a positive duration");
  }
  return toMs(seconds, nanos);
}

/** The data stored by a Set. */
export function toData({ value, counter }: SetRequest): StoredEntry["data"] {
  if (counter === undefined) {
    return { kind: "value", value };
  }
  if (value.length > 0) {
    throw invalidField(ErrorReason.INVALID_FIELD, "counter", "set beside a value; set one of the two");
  }
  return { kind: "counter", counter };
}

/** The whole milliseconds, rounded up. */
function toMs(seconds: bigint, nanos: number): number {
  return Number(seconds) * 1000 + Math.ceil(nanos / 1e6);
}

function expireAt(field: string, ms: number, nowMs: number): ExpiryPolicy {
  if (ms <= nowMs) {
    throw invalidField(ErrorReason.INVALID_EXPIRY, field, "in the past");
  }
  if (ms > lastExpiryMs) {
    throw invalidField(ErrorReason.INVALID_EXPIRY, field, "after the year 9999");
  }
  return { kind: "at", ms };
}

/** The id of an increment or a Delete; undefined when the caller sends none. */
export function toRequestId(text: string): RequestId | undefined {
  if (text === "") {
    return undefined;
  }
  const id = parseRequestId(text);
  if (id === undefined) {
    throw invalidField(
      ErrorReason.INVALID_FIELD,
      "request_id",
      "not a UUID of version 7, such as 018f2f6e-2b3c-7abc-9def-0123456789ab",
    );
  }
  return id;
}

const maxMemberBytes = 128;

/** The hash of the member that an increment counts; undefined when it has none. */
export function toMember(key: string, member: string | undefined): Uint8Array | undefined {
  if (member === undefined) {
    return undefined;
  }
  const bytes = Buffer.byteLength(member);
  if (bytes === 0 || bytes > maxMemberBytes) {
    throw invalidField(ErrorReason.INVALID_FIELD, "member", `${bytes} bytes; a member has 1 to ${maxMemberBytes}`);
  }
  if (!member.isWellFormed()) {
    throw invalidField(ErrorReason.INVALID_FIELD, "member", "not UTF-8: it has a lone surrogate");
  }
  return hashMember(key, member);
}

/**
 * Refuses a write that carries fields this server does not know: a newer client may have meant them as a condition, and
 * a write that ignores its condition is a lost update.
 */
export function refuseUnknownFields(...messages: (Message | undefined)[]): void {
  for (const message of messages) {
    const unknown = message?.$unknown?.[0];
    if (message !== undefined && unknown !== undefined) {
      throw new DynakvError(ErrorReason.UNIMPLEMENTED, `unknown field ${unknown.no} of ${message.$typeName}`);
    }
  }
}
