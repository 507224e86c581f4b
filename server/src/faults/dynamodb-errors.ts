import type { AnswerFault, ReplaceAnswerFault } from "./fault.js";

/** DynamoDB's errors for a request that is throttled. */
export type ThrottlingError = "ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded";

const resources = ["Table", "Index"] as const;
const directions = ["Read", "Write"] as const;
const limits = [
  "ProvisionedThroughputExceeded",
  "KeyRangeThroughputExceeded",
  "AccountLimitExceeded",
  "MaxOnDemandThroughputExceeded",
] as const;

/** DynamoDB's throttling reason: resource, operation and limit. */
export type ThrottlingReason = `${(typeof resources)[number]}${(typeof directions)[number]}${(typeof limits)[number]}`;

/** All sixteen reasons. See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ThrottlingReason.html */
export const throttlingReasons: readonly ThrottlingReason[] = resources.flatMap((resource) =>
  directions.flatMap((direction) => limits.map((limit): ThrottlingReason => `${resource}${direction}${limit}`)),
);

export interface ThrottlingOptions {
  /** The name of the error; the default is ProvisionedThroughputExceededException. */
  error?: ThrottlingError;
  /** The ARN of the table or index; the default is that of a table named `table`. */
  resource?: string;
}

const throttlingErrors: Record<ThrottlingError, { type: string; message: string; reasons: string }> = {
  ProvisionedThroughputExceededException: {
    type: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    message: "The level of configured provisioned throughput for the table was exceeded.",
    reasons: "ThrottlingReasons",
  },
  ThrottlingException: {
    type: "com.amazonaws.dynamodb.v20120810#ThrottlingException",
    message: "Rate of requests exceeds the allowed throughput.",
    // The one error in which AWS writes it so.
    reasons: "throttlingReasons",
  },
  RequestLimitExceeded: {
    type: "com.amazonaws.dynamodb.v20120810#RequestLimitExceeded",
    message: "Throughput exceeds the current throughput limit for your account.",
    reasons: "ThrottlingReasons",
  },
};

/** A throttled request, with the reasons that DynamoDB gives: HTTP 400, and the engine sees nothing. */
export function throttling(
  reasons: ThrottlingReason | readonly ThrottlingReason[],
  { error = "ProvisionedThroughputExceededException", resource }: ThrottlingOptions = {},
): AnswerFault {
  const { type, message, reasons: field } = throttlingErrors[error];
  const arn = resource ?? "arn:aws:dynamodb:us-east-1:123456789012:table/table";
  const listed = [reasons].flat().map((reason) => ({ reason, resource: arn }));
  return { kind: "answer", status: 400, body: { __type: type, message, [field]: listed } };
}

export interface ServerErrorOptions {
  /** True if the engine carries the request out before the error; the default is false: it sees nothing. */
  applied?: boolean;
}

/** HTTP 500 InternalServerError, DynamoDB's word for an outcome that it does not know. */
export function internalServerError(options: ServerErrorOptions = {}): AnswerFault | ReplaceAnswerFault {
  const body = {
    __type: "com.amazonaws.dynamodb.v20120810#InternalServerError",
    message: "The request processing has failed because of an unknown error, exception or failure.",
  };
  return { kind: options.applied === true ? "replace-answer" : "answer", status: 500, body };
}

/** HTTP 503 ServiceUnavailable. */
export function serviceUnavailable(options: ServerErrorOptions = {}): AnswerFault | ReplaceAnswerFault {
  const body = {
    __type: "com.amazon.coral.service#ServiceUnavailable",
    message: "The request has failed due to a temporary failure of the server.",
  };
  return { kind: options.applied === true ? "replace-answer" : "answer", status: 503, body };
}

/** Clock skew that DynamoDB tolerates. */
const maxSkewMs = 5 * 60_000;

/**
 * DynamoDB's refusal of a request signed at a time that is too far from its clock. Undefined if it is near enough, or if
 * the time (the header `X-Amz-Date`) is missing or not one.
 */
export function refuseSkewed(amzDate: string | undefined, nowMs: number): AnswerFault | undefined {
  const signedMs = Date.parse(
    (amzDate ?? "").replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
  // Not a number is near enough.
  if (!(Math.abs(signedMs - nowMs) > maxSkewMs)) {
    return undefined;
  }
  const message =
    signedMs < nowMs
      ? `Signature expired: ${amzDate} is now earlier than ${formatAmzDate(nowMs - maxSkewMs)} ` +
        `(${formatAmzDate(nowMs)} - 5 min.)`
      : `Signature not yet current: ${amzDate} is still later than ${formatAmzDate(nowMs + maxSkewMs)} ` +
        `(${formatAmzDate(nowMs)} + 5 min.)`;
  return {
    kind: "answer",
    status: 400,
    body: { __type: "com.amazon.coral.service#InvalidSignatureException", message },
  };
}

function formatAmzDate(timeMs: number): string {
  return new Date(timeMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
}
