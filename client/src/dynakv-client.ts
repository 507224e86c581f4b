import { setMaxListeners } from "node:events";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type CallOptions,
  type Client,
  Code,
  ConnectError,
  createClient as createServiceClient,
  type Transport,
} from "@connectrpc/connect";
import { InfoService } from "../../gen/dynakv/v1/info_service_pb.js";
import { type IncrRequestSchema, KeyValueService } from "../../gen/dynakv/v1/key_value_service_pb.js";
import { cancelOnReturn } from "./cancel-on-return.js";
import { createLinkedAbort, throwIfAborted } from "./linked-abort.js";
import { createRequestIds } from "./request-ids.js";

/**
 * Every call of dynakv: get, set, mGet, delete, incr and touch of KeyValueService, and getInfo of InfoService. Values are
 * Uint8Array, counters are bigint. Calls fail with a ConnectError; getErrorDetail tells what is behind it.
 *
 * An incr without a requestId is given one. At most eight increments of one key are then under way at a time, and further
 * ones wait for their turn. To repeat an increment yourself, give it a requestId of your own.
 *
 * mGet starts with the first read of its stream, and a consumer that leaves its loop early cancels it on the server.
 */
export interface DynakvClient extends Client<typeof KeyValueService>, Client<typeof InfoService> {
  /**
   * Closes the connections that the client opened. Calls that still run, and calls made later, fail with CANCELED. May be
   * called more than once.
   */
  close(): void;
}

/** What is the same for every transport. The comforts of the client belong here, so that each transport has them. */
export function createDynakvClient(transport: Transport, closeTransport: () => void): DynakvClient {
  const keyValue = createServiceClient(KeyValueService, transport);
  const info = createServiceClient(InfoService, transport);
  const requestIds = createRequestIds();
  const closing = new AbortController();
  // Every running call listens to it.
  setMaxListeners(0, closing.signal);

  function untilClosed<I, O>(call: (request: I, options?: CallOptions) => Promise<O>) {
    return async (request: I, options?: CallOptions): Promise<O> => {
      throwIfAborted(closing.signal);
      if (options?.signal === undefined) {
        return call(request, { ...options, signal: closing.signal });
      }
      throwIfAborted(options.signal);
      const { controller, unlink } = createLinkedAbort([options.signal, closing.signal]);
      try {
        return await call(request, { ...options, signal: controller.signal });
      } finally {
        unlink();
      }
    };
  }

  async function incr(request: MessageInitShape<typeof IncrRequestSchema>, options: CallOptions = {}) {
    const { requestId, key = "" } = request;
    if (requestId !== undefined && requestId !== "") {
      return keyValue.incr(request, options);
    }
    const { signal, timeoutMs } = options;
    const waiting = createLinkedAbort(signal === undefined ? [] : [signal]);
    const startedAt = performance.now();
    const late = () => waiting.controller.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
    const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
    const call = (id: string) => {
      clearTimeout(timer);
      const left = timeoutMs === undefined ? {} : { timeoutMs: timeoutMs - (performance.now() - startedAt) };
      return keyValue.incr({ ...request, requestId: id }, { ...options, ...left });
    };
    try {
      return await requestIds.use(key, call, waiting.controller.signal);
    } catch (error) {
      throw ConnectError.from(error, Code.Canceled);
    } finally {
      clearTimeout(timer);
      waiting.unlink();
    }
  }

  return {
    get: untilClosed(keyValue.get),
    set: untilClosed(keyValue.set),
    mGet(request, options) {
      const signals = options?.signal === undefined ? [closing.signal] : [options.signal, closing.signal];
      return cancelOnReturn((signal) => keyValue.mGet(request, { ...options, signal }), signals);
    },
    delete: untilClosed(keyValue.delete),
    incr: untilClosed(incr),
    touch: untilClosed(keyValue.touch),
    getInfo: untilClosed(info.getInfo),
    close() {
      if (!closing.signal.aborted) {
        closing.abort(new ConnectError("the client is closed", Code.Canceled));
        closeTransport();
      }
    },
  };
}
