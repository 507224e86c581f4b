/**
 * A fault for one request. A name alone is a fault without parameters.
 *
 * The engine carries the request out under `forward`, `lose-answer`, `cut-answer`, `empty-object`, `empty-body`,
 * `broken-json`, `delay` and `replace-answer`, also when its answer never reaches the client.
 */
export type Fault =
  /** Hands the request on, and the answer back. Not a fault, and not in the log. */
  | "forward"
  /** The engine carries the request out, and the connection is cut before any byte of the answer. */
  | "lose-answer"
  /**
   * The engine carries the request out, and the connection is cut after the headers and half the body of the answer. An
   * answer without a body is lost.
   */
  | "cut-answer"
  /** The connection is cut, and the engine sees nothing. */
  | "refuse"
  /** The engine sees nothing, and no answer comes until the client leaves or the proxy stops. */
  | "hang"
  /** The engine carries the request out, and the answer is a 200 with the body `{}`. */
  | "empty-object"
  /** The engine carries the request out, and the answer is a 200 without a body. */
  | "empty-body"
  /** The engine carries the request out, and the answer is the first half of its JSON, under a content-length that fits. */
  | "broken-json"
  | DelayFault
  | AnswerFault
  | ReplaceAnswerFault
  | UnprocessedFault
  | RewriteFault
  | ClockJumpFault;

/**
 * Holds the request, its answer, or both. A request whose client leaves meanwhile is still carried out, late. What is
 * still held when the proxy stops is dropped.
 */
export interface DelayFault {
  readonly kind: "delay";
  /** Milliseconds until the engine gets the request, 0 to 2^31-1; the default is 0. */
  readonly beforeMs?: number;
  /** Milliseconds until the client gets the answer that the engine has given, 0 to 2^31-1; the default is 0. */
  readonly afterMs?: number;
}

/** Answers in the engine's place, which sees nothing. For DynamoDB's own errors see `internalServerError` and others. */
export interface AnswerFault {
  readonly kind: "answer";
  /** The HTTP status, 200 to 599. */
  readonly status: number;
  /** The body: an object is sent as JSON, a string as it is. An error has its name in `__type`. */
  readonly body: object | string;
  /** The content type; the default is DynamoDB's, `application/x-amz-json-1.0`. */
  readonly contentType?: string;
}

/** The engine carries the request out, and this answer takes the place of its own: applied, and yet an error. */
export interface ReplaceAnswerFault {
  readonly kind: "replace-answer";
  /** The HTTP status, 200 to 599. */
  readonly status: number;
  /** The body: an object is sent as JSON, a string as it is. */
  readonly body: object | string;
  /** The content type; the default is DynamoDB's, `application/x-amz-json-1.0`. */
  readonly contentType?: string;
}

/**
 * Leaves a share of a BatchGetItem or BatchWriteItem unprocessed: the last so many keys or writes are cut from the request
 * that goes on, and come back as UnprocessedKeys or UnprocessedItems beside the real answer. Other operations are
 * forwarded.
 */
export interface UnprocessedFault {
  readonly kind: "unprocessed";
  /**
   * Above 0, up to 1, rounded up to a whole number of keys; below 1, at least one key is processed, so that a client that
   * repeats what was left gets done. The default is 1: nothing is processed, and the engine is not asked.
   */
  readonly share?: number;
}

/** Hands the request on changed, and the answer back changed. A function that is left out changes nothing. */
export interface RewriteFault {
  readonly kind: "rewrite";
  /** Gets the body of the request, and returns what goes on. */
  readonly request?: (body: Buffer) => Buffer;
  /** Gets the body of the answer, and returns what goes back. */
  readonly answer?: (body: Buffer) => Buffer;
}

/**
 * The engine's clock is that far from the client's. The `Date` of the answer is moved; a request whose `X-Amz-Date` is then
 * more than five minutes off is refused as DynamoDB does, by an InvalidSignatureException with "Signature expired" or
 * "Signature not yet current", and the engine sees nothing.
 */
export interface ClockJumpFault {
  readonly kind: "clock-jump";
  /** Milliseconds: above 0, the engine's clock is ahead of this machine's; below 0, it is behind. */
  readonly byMs: number;
}

/** The names of all faults, as they stand in the log. */
export type FaultName = Extract<Fault, string> | Exclude<Fault, string>["kind"];

const plainFaults: readonly unknown[] = [
  "forward",
  "lose-answer",
  "cut-answer",
  "refuse",
  "hang",
  "empty-object",
  "empty-body",
  "broken-json",
] satisfies Fault[];

const maxTimerMs = 2 ** 31 - 1;

export function nameOfFault(fault: Fault): FaultName {
  return typeof fault === "string" ? fault : fault.kind;
}

/** Throws a TypeError or RangeError, naming what is wrong, unless it is a fault that can be carried out. */
export function checkFault(fault: Fault): void {
  if (plainFaults.includes(fault)) {
    return;
  }
  switch (typeof fault === "object" && fault !== null ? fault.kind : undefined) {
    case "delay": {
      const { beforeMs = 0, afterMs = 0 } = fault as DelayFault;
      checkRange("beforeMs of a delay", beforeMs, 0, maxTimerMs);
      checkRange("afterMs of a delay", afterMs, 0, maxTimerMs);
      return;
    }
    case "answer":
    case "replace-answer": {
      const { status, body } = fault as AnswerFault;
      checkRange("status of an answer", status, 200, 599);
      if (typeof body !== "string" && (typeof body !== "object" || body === null)) {
        throw new TypeError("body of an answer must be an object, or a string");
      }
      return;
    }
    case "unprocessed":
      checkRange("share of unprocessed keys", (fault as UnprocessedFault).share ?? 1, Number.MIN_VALUE, 1);
      return;
    case "clock-jump":
      checkRange("byMs of a clock jump", (fault as ClockJumpFault).byMs, -maxTimerMs, maxTimerMs);
      return;
    case "rewrite":
      return;
    default:
      throw new TypeError(`${JSON.stringify(fault)} is not a fault`);
  }
}

function checkRange(what: string, value: number, min: number, max: number): void {
  if (typeof value !== "number" || !(value >= min && value <= max)) {
    throw new RangeError(`${what} is ${value}, which is not from ${min} to ${max}`);
  }
}
