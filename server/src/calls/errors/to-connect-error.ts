import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { ErrorDetailSchema } from "../../../../gen/dynakv/v1/error_pb.js";
import { BadRequestSchema, RetryInfoSchema } from "../../../../gen/google/rpc/error_details_pb.js";
import type { DynakvError } from "../../errors/dynakv-error.js";
import { msToDuration, toErrorDetail } from "../../service/messages.js";

/** A typed error with all its details, as every protocol carries it. */
export function toConnectError(error: DynakvError): ConnectError {
  const details = [
    { desc: ErrorDetailSchema, value: toErrorDetail(error) },
    ...(error.field === undefined
      ? []
      : [
          {
            desc: BadRequestSchema,
            value: { fieldViolations: [{ field: error.field, description: error.message }] },
          },
        ]),
    ...(error.retryAfterMs === undefined
      ? []
      : [{ desc: RetryInfoSchema, value: { retryDelay: msToDuration(error.retryAfterMs) } }]),
  ];
  return new ConnectError(error.message, error.code, undefined, details, error.cause);
}

export function isWrite(method: DescMethod | undefined): boolean {
  return method !== undefined && method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}
