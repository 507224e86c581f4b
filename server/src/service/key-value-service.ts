import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type GetRequest,
  GetResponseSchema,
  type KeyValueService,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Clock } from "../store/layout/entry.js";
import { callWithDeadline } from "./deadline.js";
import { reuseFrame } from "./entry-frames.js";
import { toEntry, toSetResponse } from "./messages.js";
import { checkRight } from "./principal.js";
import { createStreams, type EnvelopedStreams, type StreamsOptions } from "./streams.js";
import { checkKey, isStrong, refuseUnknownFields } from "./validation.js";
import { createWritePreparation, orNotApplied, type PreparedWrite } from "./write-preparation.js";

export interface KeyValueServiceOptions extends Omit<StreamsOptions, "writes"> {
  readonly clock: Clock;
  /** The deadline of a unary call that sets none. */
  readonly defaultDeadlineMs: number;
}

/** KeyValueService over a store: checks what was asked, carries it out, and puts the answer into messages. */
export function createKeyValueService(options: KeyValueServiceOptions): {
  readonly implementation: ServiceImpl<typeof KeyValueService>;
  /** Its streams, without an object for each result. */
  readonly enveloped: EnvelopedStreams;
  /** Takes one of their envelopes back, once it was sent. */
  readonly reuseEnvelope: (envelope: Buffer) => void;
} {
  const { store, clock, defaultDeadlineMs } = options;
  const writes = createWritePreparation(store, clock);
  const streams = createStreams({ ...options, writes });

  function unary<T>(context: HandlerContext, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return callWithDeadline(context, defaultDeadlineMs, call);
  }

  function write<T>(context: HandlerContext, prepare: () => PreparedWrite<T>): Promise<T> {
    return unary(context, orNotApplied(prepare));
  }

  const implementation: ServiceImpl<typeof KeyValueService> = {
    get({ key, consistency, metadataOnly }: GetRequest, context) {
      checkKey(key);
      checkRight(context, "read", [key]);
      const strong = isStrong(consistency);
      return unary(context, async (signal) => {
        const entry = await store.get(key, { strong, signal });
        return create(GetResponseSchema, entry === undefined ? {} : { entry: toEntry(entry, metadataOnly) });
      });
    },

    set: (request, context) =>
      write(context, () => {
        const set = writes.set(request, context);
        return async (signal) => toSetResponse(await set(signal));
      }),

    delete: (request, context) =>
      write(context, () => {
        refuseUnknownFields(request);
        return writes.delete(request, context);
      }),

    incr: (request, context) => write(context, () => writes.incr(request, context)),
    touch: (request, context) => write(context, () => writes.touch(request, context)),
    ...streams.implementation,
  };
  return { implementation, enveloped: streams.enveloped, reuseEnvelope: reuseFrame };
}
