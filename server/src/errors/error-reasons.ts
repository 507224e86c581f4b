import { Code } from "@connectrpc/connect";
import { codeName } from "../../../common/code-name.js";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";

/** The reasons of the schema that this server was built with. */
export type Reason = (typeof ErrorReason)[keyof typeof ErrorReason];

export interface ReasonDefinition {
  readonly code: Code;
  /**
   * True if waiting and repeating may help at all. Whether it is also safe depends on the outcome: see
   * `retryable` in errors.ts.
   */
  readonly transient: boolean;
  /** Condition of this reason, in Markdown, for the table in docs/errors.md. */
  readonly when: string;
  /** Advice on retries, where yes or no is not enough. */
  readonly retry?: string;
}

function permanent(code: Code, when: string, retry?: string): ReasonDefinition {
  return { code, transient: false, when, ...(retry === undefined ? {} : { retry }) };
}

function transient(code: Code, when: string, retry?: string): ReasonDefinition {
  return { ...permanent(code, when, retry), transient: true };
}

const { Aborted, Canceled, DeadlineExceeded, FailedPrecondition, Internal, InvalidArgument } = Code;
const { OutOfRange, PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable, Unimplemented, Unknown } = Code;

/** The one table of typed errors, from which that in the docs is made. */
export const reasonDefinitions: Readonly<Record<Reason, ReasonDefinition>> = {
  [ErrorReason.UNSPECIFIED]: permanent(Unknown, "never"),
  [ErrorReason.INVALID_KEY]: permanent(
    InvalidArgument,
    "the key is empty, over 2,048 bytes, holds half a surrogate pair, or begins with `__dynakv_archive__/`",
  ),
  [ErrorReason.VALUE_TOO_LARGE]: permanent(
    InvalidArgument,
    "the item would exceed 409,600 bytes; the message tells how many are left for the value at this key; or the request is longer than the server takes",
  ),
  [ErrorReason.INVALID_CONDITION]: permanent(
    InvalidArgument,
    "a condition without a test, with an etag that cannot be one, or `if_absent` for Touch",
  ),
  [ErrorReason.INVALID_EXPIRY]: permanent(
    InvalidArgument,
    "not positive, in the past, after the year 9999, without a policy, none for Touch, or `expiry_if_created` beside another",
  ),
  [ErrorReason.INVALID_FIELD]: permanent(
    InvalidArgument,
    "another field is out of its range: `consistency`, `order`, `prefix`, `cursor`, `min` above `max`, `request_id`, `if_remaining_below`, `conditions`, `counter` beside a value; or the request cannot be read, is too long, or has a malformed deadline",
  ),
  [ErrorReason.ALREADY_EXISTS]: permanent(
    FailedPrecondition,
    "`if_absent`, and there is an entry; `current_etag` is its etag",
  ),
  [ErrorReason.NOT_PRESENT]: permanent(FailedPrecondition, "`if_present`, and there is none"),
  [ErrorReason.ETAG_MISMATCH]: permanent(
    Aborted,
    "`if_etag`, and there is another version, whose etag is `current_etag`, or none",
    "no: read again first",
  ),
  [ErrorReason.WRONG_KIND]: permanent(FailedPrecondition, "Incr on a value"),
  [ErrorReason.UNREADABLE_ITEM]: permanent(
    FailedPrecondition,
    "the item holds neither a binary value nor an int64 counter",
  ),
  [ErrorReason.OUT_OF_BOUNDS]: permanent(OutOfRange, "Incr past `min`, `max` or int64"),
  [ErrorReason.MEMBERS_FULL]: permanent(
    FailedPrecondition,
    "Incr with a new `member`, on a counter that has counted as many as it can tell apart",
  ),
  [ErrorReason.REQUEST_TOO_OLD]: permanent(
    FailedPrecondition,
    "Incr with a request id that is older than the window and is not remembered; this request added nothing, an earlier one may have",
  ),
  [ErrorReason.REQUEST_WINDOW_FULL]: transient(ResourceExhausted, "never any more", "–"),
  [ErrorReason.THROTTLED]: transient(
    ResourceExhausted,
    "DynamoDB throttled, after the server's own retries; `throttling_reasons` are DynamoDB's",
    "yes, after `RetryInfo`",
  ),
  [ErrorReason.OVERLOADED]: transient(
    ResourceExhausted,
    "this server has more work than it takes, in all, of this caller, or before the deadline; nothing of it was begun",
    "yes, after `RetryInfo`",
  ),
  [ErrorReason.BACKEND_UNAVAILABLE]: transient(
    Unavailable,
    "DynamoDB cannot be reached, or failed, or something on the way answered in its place",
    "a read, or Incr with a request id: yes. Another write: only if it was not applied",
  ),
  [ErrorReason.BACKEND_DENIED]: transient(
    Unavailable,
    "DynamoDB refuses the server's credentials or rights, or the server has none, or AWS settings that lead nowhere",
    "yes, for another replica may have them",
  ),
  [ErrorReason.TABLE_UNAVAILABLE]: transient(Unavailable, "the table is missing, not active, or of another shape"),
  [ErrorReason.CONTENTION]: transient(
    Aborted,
    "contention: other writers kept changing the key between the steps of one write",
  ),
  [ErrorReason.DEADLINE_EXCEEDED]: permanent(
    DeadlineExceeded,
    "the caller's deadline has passed, or the server's for a unary call that set none",
  ),
  [ErrorReason.CANCELED]: permanent(Canceled, "the caller left"),
  [ErrorReason.UNIMPLEMENTED]: permanent(
    Unimplemented,
    "the request sets a field that this server does not know, or has a compression or content-type that it does not serve",
  ),
  [ErrorReason.INTERNAL]: permanent(Internal, "a defect of the server; its log has more"),
  [ErrorReason.SHUTTING_DOWN]: transient(Unavailable, "the server is stopping"),
  [ErrorReason.UNAUTHENTICATED]: permanent(
    Unauthenticated,
    "no token or certificate, or one that the server does not take",
  ),
  [ErrorReason.PERMISSION_DENIED]: permanent(
    PermissionDenied,
    "the policy does not let this caller do this, or not with this key; nothing was read or written",
  ),
};

/** The table of docs/errors.md. */
export function renderReasonsTable(): string {
  const rows = Object.entries(ErrorReason)
    .filter(([, reason]) => reason !== ErrorReason.UNSPECIFIED)
    .map(([name, reason]) => {
      const { code, transient, when, retry = transient ? "yes" : "no" } = reasonDefinitions[reason];
      return `| \`${name}\` | \`${codeName(code)}\` | ${when} | ${retry} |\n`;
    });
  return `| reason | code | when | retry |\n|---|---|---|---|\n${rows.join("")}`;
}
