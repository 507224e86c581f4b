import { type DescMessage, fromBinary, type Message, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { encloseMessage, envelopeBytes } from "../../../common/envelope.js";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import {
  type KeyValueService,
  type MDeleteRequest,
  type MDeleteResponse,
  MDeleteResponseSchema,
  type MGetRequest,
  MGetResponseSchema,
  type MSetRequest,
  MSetResponseSchema,
  type ScanRequest,
  ScanResponseSchema,
  type SetRequest,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { invalidField } from "../errors/dynakv-error.js";
import type { CallOptions } from "../store/layout/entry.js";
import type { Store } from "../store/store.js";
import type { WriteResult } from "../store/writes/write-many.js";
import { workOf } from "./initiator.js";
import { checkRight, withRights } from "./principal.js";
import { frameResults } from "./result-frames.js";
import type { ScanCursors } from "./scan-cursors.js";
import { frameScanned } from "./scan-frames.js";
import { frameStored, storedBytes } from "./stored-frames.js";
import { checkPositions, checkPrefix, isOrdered, isStrong, keyError, refuseUnknownFields } from "./validation.js";
import { orNotApplied, type PreparedWrite, type WritePreparation } from "./write-preparation.js";
import { deletedBytes, groupDeleted } from "./write-results.js";

export interface StreamsOptions {
  readonly store: Store;
  readonly writes: WritePreparation;
  readonly cursors: ScanCursors;
  /** The most keys of one MGet or MDelete, and the most entries of an MSet. */
  readonly maxKeys: number;
}

/** The streams of the service as bytes: messages in their envelopes. */
export type EnvelopedStreams = Readonly<{
  mGet: (request: MGetRequest, context: HandlerContext) => AsyncIterable<Buffer>;
  scan: (request: ScanRequest, context: HandlerContext) => AsyncIterable<Buffer>;
  mSet: (request: MSetRequest, context: HandlerContext) => AsyncIterable<Buffer>;
  mDelete: (request: MDeleteRequest, context: HandlerContext) => AsyncIterable<Buffer>;
}>;

/** The streams of KeyValueService, as messages and as bytes. */
export function createStreams({ store, writes, cursors, maxKeys }: StreamsOptions): {
  readonly implementation: Pick<ServiceImpl<typeof KeyValueService>, keyof EnvelopedStreams>;
  /** The same, without an object for each result. */
  readonly enveloped: EnvelopedStreams;
} {
  function checkCount(field: string, count: number): void {
    if (count > maxKeys) {
      throw invalidField(ErrorReason.INVALID_FIELD, field, `${count} ${field}; the limit is ${maxKeys}`);
    }
  }

  /** Refuses a request as a whole: nothing of it is written then. */
  function checkMany(request: Message, field: string, count: number): void {
    refuseUnknownFields(request);
    checkCount(field, count);
  }

  /** An invalid position fails alone. */
  function writeMany<T>(
    context: HandlerContext,
    keys: readonly string[],
    prepare: (index: number) => PreparedWrite<T>,
    bytesOf: (result: T) => number,
  ): AsyncIterable<WriteResult<T>[]> {
    const write = (index: number, { signal }: CallOptions) => orNotApplied(() => prepare(index))(signal);
    return store.writeMany({ keys, write, bytesOf }, { signal: workOf(context, context.signal) });
  }

  function mDelete(request: MDeleteRequest, context: HandlerContext): AsyncIterable<MDeleteResponse> {
    const { keys, conditions, requestIds, returnEntries: returnEntry } = request;
    orNotApplied(() => {
      checkMany(request, "keys", keys.length);
      checkPositions("conditions", conditions, keys.length);
      checkPositions("request_ids", requestIds, keys.length);
    });
    const writeAt = (index: number) => {
      const requestId = requestIds[index] ?? "";
      return writes.delete(
        { key: keys[index] as string, condition: conditions[index], returnEntry, requestId },
        context,
      );
    };
    return groupDeleted(keys, writeMany(context, keys, writeAt, deletedBytes));
  }

  const enveloped: EnvelopedStreams = {
    mGet({ keys, consistency, order, metadataOnly }, context) {
      checkCount("keys", keys.length);
      const read = { strong: isStrong(consistency), signal: workOf(context, context.signal) };
      const input = { keys, ordered: isOrdered(order), check: keyError };
      // All of them before the first is read.
      return withRights(context, "read", keys, () => frameResults(store.readMany(input, read), metadataOnly));
    },

    scan({ prefix, cursor, consistency, keysOnly }, context) {
      checkPrefix(prefix);
      // The right to read a prefix covers every longer prefix.
      checkRight(context, "read", [prefix]);
      const after = cursor === "" ? undefined : cursors.read(cursor, prefix);
      const read = { strong: isStrong(consistency), signal: workOf(context, context.signal) };
      const pages = store.scan({ prefix, after }, read);
      return frameScanned(pages, (key) => cursors.write(key, prefix), keysOnly);
    },

    mSet(request, context) {
      const { entries } = request;
      orNotApplied(() => checkMany(request, "entries", entries.length));
      const keys = entries.map(({ key }) => key);
      const writeAt = (index: number) => writes.set(entries[index] as SetRequest, context);
      return frameStored(keys, writeMany(context, keys, writeAt, storedBytes));
    },

    mDelete: (request, context) => toEnvelopes(MDeleteResponseSchema, mDelete(request, context)),
  };

  const implementation = {
    mGet: (request: MGetRequest, context: HandlerContext) =>
      fromEnvelopes(MGetResponseSchema, enveloped.mGet(request, context)),
    scan: (request: ScanRequest, context: HandlerContext) =>
      fromEnvelopes(ScanResponseSchema, enveloped.scan(request, context)),
    mSet: (request: MSetRequest, context: HandlerContext) =>
      fromEnvelopes(MSetResponseSchema, enveloped.mSet(request, context)),
    mDelete,
  };
  return { implementation, enveloped };
}

async function* toEnvelopes<O extends DescMessage>(
  schema: O,
  messages: AsyncIterable<MessageShape<O>>,
): AsyncGenerator<Buffer> {
  for await (const message of messages) {
    yield encloseMessage(toBinary(schema, message));
  }
}

async function* fromEnvelopes<O extends DescMessage>(
  schema: O,
  envelopes: AsyncIterable<Buffer>,
): AsyncGenerator<MessageShape<O>> {
  for await (const envelope of envelopes) {
    yield fromBinary(schema, envelope.subarray(envelopeBytes));
  }
}
