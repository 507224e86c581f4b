import { timestampDate } from "@bufbuild/protobuf/wkt";
import { createRequestId } from "../../common/request-ids.js";
import { KeyValueService } from "../../gen/dynakv/v1/key_value_service_pb.js";
import {
  deleteOptions,
  incrOptions,
  newExpiry,
  rateLimitOptions,
  readOptions,
  setOptions,
  swapOptions,
  takeOptions,
  touchOptions,
} from "./arguments/call-arguments.js";
import { bytes, checkOptions, integer64, rejecting, text } from "./arguments/checks.js";
import { createBatchGet, createBatchGetMetadata, getAlone, getMetadataAlone } from "./batching/batch-get.js";
import { createBatchIncr, type IncrInput, incrAlone } from "./batching/batch-incr.js";
import { createBatchWrites, writeAlone } from "./batching/batch-writes.js";
import { createServerTimedIds } from "./batching/server-timed-ids.js";
import type { CallRunner } from "./call.js";
import type { CallOptions } from "./call-options.js";
import { toEntry } from "./entry.js";
import type { DeleteItem, SetItem } from "./many-writes/kinds.js";
import type {
  DeleteOptions,
  Incremented,
  IncrOptions,
  Operations,
  RateLimitOptions,
  SetOptions,
  SwapOptions,
  Swapped,
  TakeOptions,
  TouchOptions,
  Written,
} from "./operations.js";
import { toRateLimited } from "./rate-limit.js";
import { takeEntry } from "./take.js";
import { type Expiry, toCondition, toDuration, toExpiry } from "./write-options.js";

const { method } = KeyValueService;

/** The calls of one key. Arguments are checked before a call begins: from there on they may travel with those of others. */
export function createSingleCalls(runner: CallRunner, batching: boolean): Operations {
  const requestIds = createServerTimedIds();
  const get = batching ? createBatchGet(runner) : getAlone;
  const getMetadata = batching ? createBatchGetMetadata(runner) : getMetadataAlone;
  const incr = batching
    ? createBatchIncr(runner, requestIds)
    : (call: Parameters<typeof incrAlone>[0], input: IncrInput) => incrAlone(call, input, requestIds);
  const writes = batching ? createBatchWrites(runner) : writeAlone;

  function readMetadata(key: string, given: Parameters<Operations["getMetadata"]>[1], of: string) {
    const checkedKey = text("key", key);
    const options = checkOptions(of, given, readOptions);
    return runner.run(options, (call) =>
      (isPlain(options) ? getMetadata : getMetadataAlone)(call, checkedKey, options),
    );
  }

  function set(options: SetOptions, item: SetItem): Promise<Swapped> {
    const { set: write } = isPlain(options) ? writes : writeAlone;
    return runner.run(options, (call) => write(call, item, options.idempotent === true));
  }

  function remove(options: DeleteOptions, item: DeleteItem) {
    const { delete: write } = isPlain(options) ? writes : writeAlone;
    return runner.run(options, (call) => write(call, item, options.idempotent === true));
  }

  function increment(key: string, given: IncrOptions | undefined, of: string): Promise<Incremented> {
    const checkedKey = text("key", key);
    const { requestId, ...options } = checkOptions<IncrOptions>(of, given, incrOptions);
    const { expiry, expiryIfCreated } = options;
    if (expiryIfCreated !== undefined && expiry !== undefined && expiry !== "keep") {
      throw new TypeError("give one of expiry and expiryIfCreated");
    }
    const input: IncrInput = { ...options, key: checkedKey };
    // The etag of increments that share a request is that of the last: for another it would match a counter that it has not seen.
    const mayShare =
      of !== "incrDetailed" && requestId === undefined && options.member === undefined && isPlain(options);
    return runner.run(options, (call) =>
      mayShare ? incr(call, input) : incrAlone(call, input, requestId ?? requestIds),
    );
  }

  function touch(key: string, expiry: Expiry, given: TouchOptions | undefined, of: string, returnEntry: boolean) {
    const options = checkOptions<TouchOptions>(of, given, touchOptions);
    const { ifEtag, ifRemainingBelow } = options;
    const request = {
      key: text("key", key),
      ...toExpiry(newExpiry("expiry", expiry)),
      ...toCondition(ifEtag === undefined ? {} : { ifEtag }),
      ...(ifRemainingBelow === undefined ? {} : { ifRemainingBelow: toDuration(ifRemainingBelow.seconds) }),
      returnEntry,
    };
    return runner.run(options, (call) => call.unary(method.touch, request));
  }

  return {
    get: rejecting((key, given) => {
      const checkedKey = text("key", key);
      const options = checkOptions("get", given, readOptions);
      return runner.run(options, (call) => (isPlain(options) ? get : getAlone)(call, checkedKey, options));
    }),
    getMetadata: rejecting((key, given) => readMetadata(key, given, "getMetadata")),
    has: rejecting((key, given) => readMetadata(key, given, "has").then((found) => found !== undefined)),
    set: rejecting((key, value, given) => {
      const options = checkOptions<SetOptions>("set", given, setOptions);
      const item = { key: text("key", key), value: bytes("value", value), ...toSetting(options) };
      return set(options, item).then(withoutPrevious);
    }),
    setCounter: rejecting((key, counter, given) => {
      const options = checkOptions<SetOptions>("setCounter", given, setOptions);
      const item = { key: text("key", key), counter: integer64("counter", counter), ...toSetting(options) };
      return set(options, item).then(withoutPrevious);
    }),
    swap: rejecting((key, value, given) => {
      const options = checkOptions<SwapOptions>("swap", given, swapOptions);
      const item = { key: text("key", key), value: bytes("value", value), ...toSetting(options) };
      return set(options, { ...item, returnPrevious: true });
    }),
    delete: rejecting((key, given) => {
      const options = checkOptions<DeleteOptions>("delete", given, deleteOptions);
      const item = { key: text("key", key), ...toCondition(options) };
      return remove(options, item).then(({ existed }) => existed);
    }),
    take: rejecting((key, given) => {
      const checkedKey = text("key", key);
      const options = checkOptions<TakeOptions>("take", given, takeOptions);
      const { get: read, delete: write } = isPlain(options)
        ? { get, delete: writes.delete }
        : { get: getAlone, delete: writeAlone.delete };
      return runner.run(options, (call) =>
        takeEntry(
          {
            read: () => read(call, checkedKey, { consistency: "strong" }),
            remove: (ifEtag) =>
              write(call, { key: checkedKey, ...toCondition({ ifEtag }), requestId: createRequestId() }, true),
          },
          options,
          call.signal,
        ),
      );
    }),
    incr: rejecting((key, given) => increment(key, given, "incr").then(({ value }) => value)),
    incrDetailed: rejecting((key, given) => increment(key, given, "incrDetailed")),
    rateLimit: rejecting((key, given) => {
      const {
        limit,
        windowMs,
        cost = 1,
        ...options
      } = checkOptions<RateLimitOptions>("rateLimit", given, rateLimitOptions);
      if (limit === undefined || windowMs === undefined) {
        throw new TypeError("options of rateLimit must have limit and windowMs");
      }
      const expiryIfCreated = { seconds: windowMs / 1000 };
      return increment(key, { ...options, delta: BigInt(cost), expiryIfCreated }, "rateLimit").then((counted) =>
        toRateLimited(counted, limit),
      );
    }),
    touch: rejecting((key, expiry, given) => touch(key, expiry, given, "touch", false).then(({ existed }) => existed)),
    touchDetailed: rejecting((key, expiry, given) =>
      touch(key, expiry, given, "touchDetailed", false).then(({ existed, etag, expireTime, unchanged }) =>
        existed ? { etag, expireTime: expireTime && timestampDate(expireTime), unchanged } : undefined,
      ),
    ),
    getAndTouch: rejecting((key, expiry, given) =>
      touch(key, expiry, given, "getAndTouch", true).then(({ entry }) => entry && toEntry(key, entry)),
    ),
  };
}

/** Returns true if nothing of a call is meant for a request of its own. */
export function isPlain({ headers, contextValues, onHeader, onTrailer }: CallOptions): boolean {
  return headers === undefined && contextValues === undefined && onHeader === undefined && onTrailer === undefined;
}

function withoutPrevious({ previous: _, ...written }: Swapped): Written {
  return written;
}

function toSetting(options: SwapOptions) {
  return { ...toExpiry(options.expiry), ...toCondition(options) };
}
