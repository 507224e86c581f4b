import { DynakvError } from "@dynakv/client/web";
import { isTokenWanted } from "./session.js";

/** A failure, as a person is told of it. */
export interface Failure {
  readonly title: string;
  /** What the server says, word for word. */
  readonly message: string;
  readonly advice: string | undefined;
  /** For the server's log. */
  readonly callId: string | undefined;
  /** The reason of the error, such as `PERMISSION_DENIED`. */
  readonly reason: string;
}

const titles: Readonly<Record<string, readonly [title: string, advice?: string]>> = {
  UNAUTHENTICATED: ["The server does not know you", "Give a token that it takes, or come with a client certificate."],
  PERMISSION_DENIED: [
    "You may not do this",
    "The server's policy does not let this caller do it with this key or prefix.",
  ],
  UNREACHABLE: ["The server cannot be reached", "It may be restarting, or this machine may be offline. Try again."],
  BACKEND_UNAVAILABLE: ["DynamoDB cannot be reached", "The server is there, its table is not. Try again in a moment."],
  BACKEND_DENIED: ["DynamoDB refuses the server", "The server's log, and `dynakv doctor`, tell which right it lacks."],
  TABLE_UNAVAILABLE: [
    "The table is not available",
    "The server's log, and `dynakv doctor`, tell what is wrong with it.",
  ],
  THROTTLED: ["DynamoDB has throttled the request", "The table has no capacity left for the moment. Try again."],
  OVERLOADED: ["The server has more work than it takes", "Try again in a moment."],
  DEADLINE_EXCEEDED: ["It took too long"],
  CANCELED: ["Canceled"],
  UNREADABLE_ITEM: [
    "An item of another program",
    "It holds neither a binary value nor a 64-bit counter where dynakv and Celery keep theirs.",
  ],
  VALUE_TOO_LARGE: ["The value is too large"],
  INVALID_KEY: ["This cannot be a key"],
  INVALID_EXPIRY: ["This cannot be an expiry"],
  OUT_OF_BOUNDS: ["The counter would leave its range"],
  WRONG_KIND: ["The key holds a value, not a counter"],
  UNDECODABLE: ["The value cannot be read"],
  SHUTTING_DOWN: ["The server is shutting down", "Try again in a moment."],
  UNIMPLEMENTED: ["This server does not serve that"],
};

/** What has become of a write. */
const outcomes = {
  NOT_APPLIED: "Nothing was changed.",
  APPLIED: "It was applied all the same.",
  UNKNOWN: "It is not known whether it was applied: look at the entry again.",
} as const;

/** Asks for a token where the lack of one is what has failed. */
export function toFailure(error: unknown): Failure {
  if (!(error instanceof DynakvError)) {
    return {
      title: "That did not work",
      message: error instanceof Error ? error.message : String(error),
      advice: undefined,
      callId: undefined,
      reason: "UNSPECIFIED",
    };
  }
  if (error.reason === "UNAUTHENTICATED") {
    isTokenWanted.set(true);
  }
  const [title, advice] = titles[error.reason] ?? ["The server has refused it"];
  const outcome = error.outcome === undefined ? undefined : outcomes[error.outcome];
  return {
    title,
    message: error.message,
    advice: [outcome, advice].filter((part) => part !== undefined).join(" ") || undefined,
    callId: error.callId,
    reason: error.reason,
  };
}
