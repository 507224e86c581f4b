// Exports shared by the clients for Node, grpc-js and browsers.
export { Code, type Interceptor, type Transport } from "@connectrpc/connect";
export { createRequestId } from "../../common/request-ids.js";
export type { CallOptions, ReadOptions, WriteOptions } from "./call-options.js";
export type { DynakvClient } from "./client.js";
export { bytes, type Codec, json, protobuf, SchemaError, utf8 } from "./codecs.js";
export type { CounterEntry, Entry, EntryMetadata, ValueEntry } from "./entry.js";
export { DynakvError, type Reason, type WriteOutcome } from "./errors.js";
export type { Counters, Keyspace } from "./keyspace.js";
export type { ManyWritesOptions, WriteResults } from "./many-writes/many-writes.js";
export type { CounterSetEntry, DeleteKey, MDeleteOptions, MSetOptions, SetEntry } from "./many-writes/options.js";
export type { Deleted, WriteProgress, WriteResult } from "./many-writes/result.js";
export type { MGetOptions, MGetResults } from "./mget/mget.js";
export type { MGetProgress, MGetResult } from "./mget/result.js";
export type {
  DeleteOptions,
  Incremented,
  IncrOptions,
  RateLimited,
  RateLimitOptions,
  SetOptions,
  SwapOptions,
  Swapped,
  TakeOptions,
  Touched,
  TouchOptions,
  Written,
} from "./operations.js";
export type { RetryOptions } from "./retry-options.js";
export type { DeletePrefixOptions, PrefixDeleted } from "./scan/delete-prefix.js";
export type { ScanResult } from "./scan/result.js";
export type { ScanOptions, ScanPage, ScanResults } from "./scan/scan.js";
export type { KeepAliveOptions, SharedOptions } from "./shared-options.js";
export type { Updated, UpdateOptions } from "./update.js";
export type { ConditionOptions, Expiry } from "./write-options.js";
