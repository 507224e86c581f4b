import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient as createServiceClient } from "@connectrpc/connect";
import { type GetInfoResponse, InfoService } from "../../gen/dynakv/v1/info_service_pb.js";
import { KeyValueService } from "../../gen/dynakv/v1/key_value_service_pb.js";
import {
  callOptions,
  keys as checkKeys,
  deleteOptions,
  incrOptions,
  mgetOptions,
  readOptions,
  scanOptions,
  setOptions,
  touchExpiry,
  touchOptions,
} from "./arguments/call-arguments.js";
import { bytes, checkOptions, objectWith, rejecting, text } from "./arguments/checks.js";
import { createBatchGet, getAlone } from "./batching/batch-get.js";
import { createBatchIncr, type IncrInput, incrAlone } from "./batching/batch-incr.js";
import { createServerTimedIds } from "./batching/server-timed-ids.js";
import type { ByteTransport } from "./byte-streams.js";
import type { Call } from "./call.js";
import type { CallOptions } from "./call-options.js";
import { createCallRunner } from "./call-runner.js";
import type { Codec } from "./codecs.js";
import type { Decoder } from "./decoder.js";
import type { Entry } from "./entry.js";
import { type Counters, createCounters, createKeyspace, type Keyspace, type KeyspaceCalls } from "./keyspace.js";
import { type MGetOptions, type MGetResults, mget } from "./mget/mget.js";
import type { DeleteOptions, IncrOptions, Operations, SetOptions, TouchOptions, Written } from "./operations.js";
import type { Patience } from "./patience.js";
import { createPauses } from "./retries.js";
import { type ScanOptions, type ScanResults, scan } from "./scan/scan.js";
import type { SharedOptions } from "./shared-options.js";
import { wrapTransport } from "./wrap-transport.js";
import { toCondition, toExpiry } from "./write-options.js";

/**
 * A client of dynakv. Calls fail with a {@link DynakvError}, and with a TypeError for a wrong argument, of which nothing is sent:
 * what returns a promise rejects, and what does not (`mget`, `scan`, `keyspace`, `counters`) throws. Options that are not known
 * are wrong, too.
 *
 * A call is repeated until its deadline where a repetition does no harm: reads, increments, and whatever has certainly not
 * been applied. A write of which nobody knows whether it was applied is reported, with the outcome `UNKNOWN`, unless its
 * caller calls it `idempotent`.
 */
export interface DynakvClient extends Operations {
  /**
   * Reads any number of keys, in memory that does not grow with their number: keys are taken from the iterable as they are
   * asked for, results come as they arrive. Leaving the loop cancels what is under way, on the server too.
   */
  mget(keys: Iterable<string> | AsyncIterable<string>, options?: MGetOptions): MGetResults;
  /**
   * Reads all keys of the table, or those with a prefix, in no particular order and in memory that does not grow with their number.
   * What is written meanwhile may or may not be seen. It costs the read capacity of the whole table, whatever the prefix.
   * Leaving the loop cancels it, on the server too.
   */
  scan(options?: ScanOptions): ScanResults;
  /** Values of one type under one prefix. */
  keyspace<Read, Write = Read>(prefix: string, codec: Codec<Read, Write>): Keyspace<Read, Write>;
  /** Counters under one prefix. */
  counters(prefix: string): Counters;
  /** The server's version, table, limits and features. */
  info(options?: CallOptions): Promise<GetInfoResponse>;
  /** The clients that are generated from the schema, over the same connection: each call is one attempt, and as it is. */
  readonly generated: {
    readonly keyValue: Client<typeof KeyValueService>;
    readonly info: Client<typeof InfoService>;
  };
  /** Closes the connections that the client opened. Calls that run, and calls made later, fail with `CANCELED`. */
  close(): void;
}

/** The transport-independent part of a client. */
export function createClientOver(
  bare: ByteTransport,
  { defaultTimeoutMs = 10_000, retries, token, batching = true }: SharedOptions,
  closeTransport: () => void,
  patience?: Patience,
): DynakvClient {
  const pauses = createPauses(retries);
  let isClosed = false;
  const transport = wrapTransport(bare, token, () => isClosed);
  const runner = createCallRunner({ transport, defaultTimeoutMs, pauses, patience });
  const requestIds = createServerTimedIds();
  const get = batching ? createBatchGet(runner) : getAlone;
  const incr = batching
    ? createBatchIncr(runner, requestIds)
    : (call: Call, input: IncrInput) => incrAlone(call, input, requestIds);
  const { method } = KeyValueService;

  // Arguments are checked before a call begins: from there on they may travel with those of others.
  const calls: Operations = {
    get: rejecting((key, given) => {
      const checkedKey = text("key", key);
      const options = checkOptions("get", given, readOptions);
      return runner.run(options, (call) => (isPlain(options) ? get : getAlone)(call, checkedKey, options));
    }),
    set: rejecting((key, value, given) => {
      const options = checkOptions<SetOptions>("set", given, setOptions);
      const request = {
        key: text("key", key),
        value: bytes("value", value),
        ...toExpiry(options.expiry),
        ...toCondition(options),
      };
      return runner.run(options, async (call): Promise<Written> => {
        const { etag, writeTime, expireTime } = await call.unary(method.set, request);
        return {
          etag,
          writeTime: writeTime === undefined ? new Date() : timestampDate(writeTime),
          expireTime: expireTime && timestampDate(expireTime),
        };
      });
    }),
    delete: rejecting((key, given) => {
      const options = checkOptions<DeleteOptions>("delete", given, deleteOptions);
      const request = { key: text("key", key), ...toCondition(options) };
      return runner.run(options, async (call) => (await call.unary(method.delete, request)).existed);
    }),
    incr: rejecting((key, given) => {
      const checkedKey = text("key", key);
      const { requestId, ...options } = checkOptions<IncrOptions>("incr", given, incrOptions);
      const input: IncrInput = { ...options, key: checkedKey };
      return runner.run(options, (call) =>
        requestId === undefined && options.member === undefined && isPlain(options)
          ? incr(call, input)
          : incrAlone(call, input, requestId ?? requestIds),
      );
    }),
    touch: rejecting((key, expiry, given) => {
      const options = checkOptions<TouchOptions>("touch", given, touchOptions);
      const { ifEtag } = options;
      const request = {
        key: text("key", key),
        ...toExpiry(touchExpiry("expiry", expiry)),
        ...toCondition(ifEtag === undefined ? {} : { ifEtag }),
      };
      return runner.run(options, async (call) => (await call.unary(method.touch, request)).existed);
    }),
  };
  const ofKeyspaces: KeyspaceCalls = {
    ...calls,
    mget: (decoder, keys, given) =>
      mget(runner, decoder, checkKeys("keys", keys), checkOptions<MGetOptions>("mget", given, mgetOptions)),
    scan: (decoder, given) => scan(runner, decoder, checkOptions<ScanOptions>("scan", given, scanOptions)),
  };

  return {
    ...calls,
    mget: (keys, options) => ofKeyspaces.mget(asItIs, keys, options),
    scan: (options) => ofKeyspaces.scan(asItIs, options),
    keyspace: (prefix, codec) =>
      createKeyspace(
        ofKeyspaces,
        text("prefix", prefix),
        objectWith<typeof codec>("a codec", "encode", "decode")("codec", codec),
      ),
    counters: (prefix) => createCounters(ofKeyspaces, text("prefix", prefix)),
    info: rejecting((given) => {
      const options = checkOptions<CallOptions>("info", given, callOptions);
      return runner.run(options, (call) => call.unary(InfoService.method.getInfo, {}));
    }),
    generated: {
      keyValue: createServiceClient(KeyValueService, transport),
      info: createServiceClient(InfoService, transport),
    },
    close() {
      if (!isClosed) {
        isClosed = true;
        runner.close();
        closeTransport();
      }
    },
  };
}

/** Returns true if nothing of a call is meant for a request of its own. */
function isPlain({ headers, contextValues, onHeader, onTrailer }: CallOptions): boolean {
  return headers === undefined && contextValues === undefined && onHeader === undefined && onTrailer === undefined;
}

const asItIs: Decoder<Entry> = { prefix: "" };
