import { create, type DescMessage, fromBinary, type Message, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { encloseMessage, envelopeBytes } from "../../../common/envelope.js";
import { int64 } from "../../../common/int64.js";
import { ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import {
  type DeleteRequest,
  type DeleteResponse,
  type GetRequest,
  GetResponseSchema,
  type IncrRequest,
  IncrResponseSchema,
  type KeyValueService,
  type MDeleteRequest,
  type MDeleteResponse,
  MDeleteResponseSchema,
  type MGetRequest,
  type MGetResponse,
  MGetResponseSchema,
  type MSetRequest,
  type MSetResponse,
  MSetResponseSchema,
  type ScanRequest,
  type ScanResponse,
  ScanResponseSchema,
  type SetRequest,
  type SetResponse,
  type TouchRequest,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { DynakvError, invalidField } from "../errors/dynakv-error.js";
import type { CallOptions, Clock } from "../store/layout/entry.js";
import type { Store } from "../store/store.js";
import type { WriteResult } from "../store/writes/write-many.js";
import { callWithDeadline } from "./deadline.js";
import { reuseFrame } from "./entry-frames.js";
import { workOf } from "./initiator.js";
import { expireTimeOf, toDeleteResponse, toEntry, toSetResponse, toTouchResponse } from "./messages.js";
import { checkRight, withRights } from "./principal.js";
import { frameResults } from "./result-frames.js";
import type { ScanCursors } from "./scan-cursors.js";
import { frameScanned } from "./scan-frames.js";
import {
  checkKey,
  checkPositions,
  checkPrefix,
  isOrdered,
  isStrong,
  keyError,
  refuseUnknownFields,
  toData,
  toExpiryIfCreated,
  toExpiryPolicy,
  toMember,
  toPositiveMs,
  toRequestId,
  toWriteCondition,
} from "./validation.js";
import { deletedBytes, groupDeleted, groupStored, storedBytes } from "./write-results.js";

export interface KeyValueServiceOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly cursors: ScanCursors;
  /** The deadline of a unary call that sets none. */
  readonly defaultDeadlineMs: number;
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

/** KeyValueService over a store: checks what was asked, carries it out, and puts the answer into messages. */
export function createKeyValueService(options: KeyValueServiceOptions): {
  readonly implementation: ServiceImpl<typeof KeyValueService>;
  /** The same streams, without an object for each result. */
  readonly enveloped: EnvelopedStreams;
  /** Takes one of their envelopes back, once it was sent. */
  readonly reuseEnvelope: (envelope: Buffer) => void;
} {
  const { store, clock, cursors, defaultDeadlineMs, maxKeys } = options;

  function unary<T>(context: HandlerContext, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return callWithDeadline(context, defaultDeadlineMs, call);
  }

  function write<T>(context: HandlerContext, prepare: () => Carried<T>): Promise<T> {
    return unary(context, orNotApplied(prepare));
  }

  /** Checks a Set, and returns what carries it out. */
  function prepareSet(request: SetRequest, context: HandlerContext): Carried<SetResponse> {
    refuseUnknownFields(request, request.condition, request.expiry);
    const { key, returnPrevious } = request;
    checkKey(key);
    checkWriteRights(context, "write", key, returnPrevious);
    const data = toData(request);
    const condition = toWriteCondition(request.condition);
    const expiry = toExpiryPolicy(request.expiry, clock());
    const input = { key, data, expiry, condition, returnPrevious };
    return async (signal) => toSetResponse(await store.set(input, { signal }));
  }

  /** The same for a Delete. */
  function prepareDelete(
    request: Pick<DeleteRequest, "key" | "condition" | "returnEntry" | "requestId">,
    context: HandlerContext,
  ): Carried<DeleteResponse> {
    refuseUnknownFields(request.condition);
    const { key, returnEntry } = request;
    checkKey(key);
    checkWriteRights(context, "delete", key, returnEntry);
    const condition = toWriteCondition(request.condition);
    const id = toRequestId(request.requestId);
    if (id === undefined) {
      return async (signal) => toDeleteResponse(await store.delete({ key, condition, returnEntry }, { signal }));
    }
    if (condition?.kind !== "etag" || returnEntry) {
      const problem = "a Delete with it needs condition.if_etag, and cannot return the entry: read it first";
      throw invalidField(ErrorReason.INVALID_FIELD, "request_id", problem);
    }
    return async (signal) => toDeleteResponse(await store.deleteOnce({ key, condition, id }, { signal }));
  }

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
    prepare: (index: number) => Carried<T>,
    bytesOf: (result: T) => number,
  ): AsyncIterable<WriteResult<T>[]> {
    const write = async (index: number, { signal }: CallOptions) => orNotApplied(() => prepare(index))(signal);
    return store.writeMany({ keys, write, bytesOf }, { signal: workOf(context, context.signal) });
  }

  function mSet(request: MSetRequest, context: HandlerContext): AsyncIterable<MSetResponse> {
    const { entries } = request;
    orNotApplied(() => checkMany(request, "entries", entries.length));
    const keys = entries.map(({ key }) => key);
    const writeAt = (index: number) => prepareSet(entries[index] as SetRequest, context);
    return groupStored(keys, writeMany(context, keys, writeAt, storedBytes));
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
      return prepareDelete(
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

    mSet: (request, context) => toEnvelopes(MSetResponseSchema, mSet(request, context)),
    mDelete: (request, context) => toEnvelopes(MDeleteResponseSchema, mDelete(request, context)),
  };

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

    set(request: SetRequest, context) {
      return write(context, () => prepareSet(request, context));
    },

    mSet,
    mDelete,

    mGet(request: MGetRequest, context): AsyncIterable<MGetResponse> {
      return fromEnvelopes(MGetResponseSchema, enveloped.mGet(request, context));
    },

    scan(request: ScanRequest, context): AsyncIterable<ScanResponse> {
      return fromEnvelopes(ScanResponseSchema, enveloped.scan(request, context));
    },

    delete(request: DeleteRequest, context) {
      return write(context, () => {
        refuseUnknownFields(request);
        return prepareDelete(request, context);
      });
    },

    incr(request: IncrRequest, context) {
      return write(context, () => {
        refuseUnknownFields(request, request.expiry, request.expiryIfCreated);
        const { key, delta = 1n, initial = 0n, min = int64.min, max = int64.max } = request;
        checkKey(key);
        checkRight(context, "write", [key]);
        const id = toRequestId(request.requestId);
        const member = toMember(key, request.member);
        if (min > max) {
          throw invalidField(ErrorReason.INVALID_FIELD, "min", `${min} is above max, which is ${max}`);
        }
        const expiry = toExpiryPolicy(request.expiry, clock());
        const expiryIfCreated = toExpiryIfCreated(request.expiryIfCreated, expiry, clock());
        const input = { key, id, delta, initial, min, max, expiry, expiryIfCreated, member };
        return async (signal) => {
          const result = await store.incr(input, { signal });
          return create(IncrResponseSchema, {
            value: result.value,
            etag: result.etag,
            replayed: result.replayed,
            ...expireTimeOf(result.expireAtMs),
          });
        };
      });
    },

    touch(request: TouchRequest, context) {
      return write(context, () => {
        refuseUnknownFields(request, request.condition, request.expiry);
        const { key, returnEntry } = request;
        checkKey(key);
        checkWriteRights(context, "write", key, returnEntry);
        const condition = toWriteCondition(request.condition);
        if (condition?.kind === "absent") {
          throw invalidField(ErrorReason.INVALID_CONDITION, "condition.if_absent", "nothing can be touched then");
        }
        const expiry = toExpiryPolicy(request.expiry, clock());
        if (expiry === undefined || expiry.kind === "keep") {
          throw invalidField(ErrorReason.INVALID_EXPIRY, "expiry", "set after, at, never or server_default");
        }
        const ifRemainingBelowMs = toPositiveMs("if_remaining_below", request.ifRemainingBelow);
        return async (signal) => {
          const input = { key, expiry, condition, returnEntry, ifRemainingBelowMs };
          return toTouchResponse(await store.touch(input, { signal }));
        };
      });
    },
  };
  return { implementation, enveloped, reuseEnvelope: reuseFrame };
}

/** Executes a validated request. */
type Carried<T> = (signal: AbortSignal) => Promise<T>;

/** To be told what the key holds takes the right to read it as well. */
function checkWriteRights(
  context: HandlerContext,
  right: "write" | "delete",
  key: string,
  isEntryReturned: boolean,
): void {
  checkRight(context, right, [key]);
  if (isEntryReturned) {
    checkRight(context, "read", [key]);
  }
}

/** A write that is refused before it is sent has changed nothing, and says so. */
function orNotApplied<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof DynakvError ? error.withOutcome(Outcome.NOT_APPLIED) : error;
  }
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
