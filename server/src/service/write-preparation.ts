import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { int64 } from "../../../common/int64.js";
import { ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import {
  type DeleteRequest,
  type DeleteResponse,
  type IncrRequest,
  type IncrResponse,
  IncrResponseSchema,
  type SetRequest,
  type TouchRequest,
  type TouchResponse,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { DynakvError, invalidField } from "../errors/dynakv-error.js";
import type { Clock } from "../store/layout/entry.js";
import type { Store } from "../store/store.js";
import type { SetResult } from "../store/writes/set-entry.js";
import { expireTimeOf, toDeleteResponse, toTouchResponse } from "./messages.js";
import { checkRight } from "./principal.js";
import {
  checkKey,
  refuseUnknownFields,
  toData,
  toExpiryIfCreated,
  toExpiryPolicy,
  toMember,
  toPositiveMs,
  toRequestId,
  toWriteCondition,
} from "./validation.js";

/** Carries out a write that was checked. */
export type PreparedWrite<T> = (signal: AbortSignal) => Promise<T>;

/** What a Delete is asked for, alone or at a position of an MDelete. */
export type DeleteInput = Pick<DeleteRequest, "key" | "condition" | "returnEntry" | "requestId">;

/** Each checks one write, by itself and by the rights of its caller, and returns what carries it out. */
export interface WritePreparation {
  set(request: SetRequest, context: HandlerContext): PreparedWrite<SetResult>;
  delete(request: DeleteInput, context: HandlerContext): PreparedWrite<DeleteResponse>;
  incr(request: IncrRequest, context: HandlerContext): PreparedWrite<IncrResponse>;
  touch(request: TouchRequest, context: HandlerContext): PreparedWrite<TouchResponse>;
}

export function createWritePreparation(store: Store, clock: Clock): WritePreparation {
  return {
    set(request, context) {
      refuseUnknownFields(request, request.condition, request.expiry);
      const { key, returnPrevious } = request;
      checkKey(key);
      checkWriteRights(context, "write", key, returnPrevious);
      const data = toData(request);
      const condition = toWriteCondition(request.condition);
      const expiry = toExpiryPolicy(request.expiry, clock());
      const input = { key, data, expiry, condition, returnPrevious };
      return (signal) => store.set(input, { signal });
    },

    delete(request, context) {
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
    },

    incr(request, context) {
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
    },

    touch(request, context) {
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
    },
  };
}

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
export function orNotApplied<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof DynakvError ? error.withOutcome(Outcome.NOT_APPLIED) : error;
  }
}
