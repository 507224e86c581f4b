// Times and durations are messages of their own; these turn them into what TypeScript has.
export { durationFromMs, durationMs, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
export { type CallOptions, Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
export {
  type Condition,
  ConditionSchema,
  Consistency,
  ConsistencySchema,
  type Entry,
  EntrySchema,
  type Expiry,
  ExpirySchema,
} from "../../gen/dynakv/v1/entry_pb.js";
export {
  type ErrorDetail,
  ErrorDetailSchema,
  ErrorReason,
  ErrorReasonSchema,
  Outcome,
  OutcomeSchema,
  type ResultError,
  ResultErrorSchema,
} from "../../gen/dynakv/v1/error_pb.js";
export {
  type Features,
  FeaturesSchema,
  type GetInfoRequest,
  GetInfoRequestSchema,
  type GetInfoResponse,
  GetInfoResponseSchema,
  InfoService,
  type Limits,
  LimitsSchema,
  type Table,
  TableSchema,
} from "../../gen/dynakv/v1/info_service_pb.js";
export {
  type DeleteRequest,
  DeleteRequestSchema,
  type DeleteResponse,
  DeleteResponseSchema,
  type GetRequest,
  GetRequestSchema,
  type GetResponse,
  GetResponseSchema,
  type IncrRequest,
  IncrRequestSchema,
  type IncrResponse,
  IncrResponseSchema,
  KeyValueService,
  type MGetRequest,
  MGetRequestSchema,
  type MGetResponse,
  MGetResponseSchema,
  type MGetResult,
  MGetResultSchema,
  ResultOrder,
  ResultOrderSchema,
  type SetRequest,
  SetRequestSchema,
  type SetResponse,
  SetResponseSchema,
  type TouchRequest,
  TouchRequestSchema,
  type TouchResponse,
  TouchResponseSchema,
} from "../../gen/dynakv/v1/key_value_service_pb.js";
export {
  type BadRequest,
  BadRequestSchema,
  type RetryInfo,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.js";
export { type ClientOptions, createClient } from "./create-client.js";
export type { DynakvClient } from "./dynakv-client.js";
export { getErrorDetail } from "./error-detail.js";
export { createRequestIds, type RequestIds } from "./request-ids.js";
