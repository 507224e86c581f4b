import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { CallOptions } from "@connectrpc/connect";
import { type ConditionSchema, Consistency, type ExpirySchema } from "../../../gen/dynakv/v1/entry_pb.js";
import type { KeyValueClient } from "../../../server/test/support/test-server.js";
import type { Answer, Condition, Expiry, Request } from "../check/operation.js";
import { msOf, toSeenEntry, UnexpectedFailure } from "./results.js";

/** Sends one request, and returns what the answer says. */
export async function callUnary(
  client: KeyValueClient,
  key: string,
  request: Request,
  options: CallOptions & { readonly requestId?: string },
): Promise<Answer> {
  const { requestId, ...callOptions } = options;
  switch (request.type) {
    case "get": {
      const { entry } = await client.get({ key, consistency: Consistency.STRONG }, callOptions);
      return { type: "get", entry: entry && toSeenEntry(entry) };
    }
    case "set": {
      const data =
        request.counter === undefined
          ? { value: new TextEncoder().encode(request.value) }
          : { counter: request.counter };
      const { etag, expireTime, previous } = await client.set(
        { key, ...data, ...conditionOf(request), ...expiryOf(request.expiry), returnPrevious: request.isSwap === true },
        callOptions,
      );
      return { type: "set", etag, expireAt: msOf(expireTime), previous: previous && toSeenEntry(previous) };
    }
    case "delete": {
      const { existed, entry } = await client.delete(
        { key, ...conditionOf(request), returnEntry: request.isTake === true },
        callOptions,
      );
      return { type: "delete", existed, entry: entry && toSeenEntry(entry) };
    }
    case "incr": {
      const { delta, min, max, expiryIfCreated } = request;
      const bounds = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
      const id = requestId === undefined ? {} : { requestId };
      const answer = await client.incr(
        {
          key,
          delta,
          ...bounds,
          ...id,
          ...expiryOf(request.expiry),
          ...(expiryIfCreated === undefined ? {} : { expiryIfCreated: toExpiry(expiryIfCreated) }),
        },
        callOptions,
      );
      const { value: count, etag, expireTime, replayed } = answer;
      return { type: "incr", count, etag, expireAt: replayed ? "untold" : msOf(expireTime) };
    }
    case "touch": {
      const { ifRemainingBelow: below } = request;
      const { existed, etag, expireTime, entry, unchanged } = await client.touch(
        {
          key,
          ...conditionOf(request),
          ...expiryOf(request.expiry),
          returnEntry: request.isRead === true,
          ...(below === undefined ? {} : { ifRemainingBelow: durationFromMs(below) }),
        },
        callOptions,
      );
      return {
        type: "touch",
        existed,
        etag: etag === "" ? undefined : etag,
        expireAt: msOf(expireTime),
        entry: entry && toSeenEntry(entry),
        isUnchanged: unchanged,
      };
    }
  }
}

/** Reads keys by one MGet, and returns the answer or the failure for each position. */
export async function callMGet(
  client: KeyValueClient,
  keys: readonly string[],
  options: CallOptions,
): Promise<(Answer | undefined)[]> {
  const answers: (Answer | undefined)[] = keys.map(() => undefined);
  let answered = 0;
  for await (const message of client.mGet({ keys: [...keys], consistency: Consistency.STRONG }, options)) {
    for (const { index, key, result } of message.results) {
      answered++;
      if (keys[index] !== key || answers[index] !== undefined) {
        throw new UnexpectedFailure(`an MGet answered position ${index} twice, or for another key`);
      }
      if (result.case === "entry") {
        answers[index] = { type: "get", entry: toSeenEntry(result.value) };
      } else if (result.case === "missing") {
        answers[index] = { type: "get", entry: undefined };
      }
    }
  }
  if (answered !== keys.length) {
    throw new UnexpectedFailure(`an MGet of ${keys.length} keys answered ${answered} positions`);
  }
  return answers;
}

function conditionOf({ condition }: { readonly condition?: Condition | undefined }): {
  condition?: MessageInitShape<typeof ConditionSchema>;
} {
  switch (condition?.test) {
    case undefined:
      return {};
    case "absent":
      return { condition: { test: { case: "ifAbsent", value: {} } } };
    case "present":
      return { condition: { test: { case: "ifPresent", value: {} } } };
    case "etag":
      return { condition: { test: { case: "ifEtag", value: condition.etag } } };
  }
}

function expiryOf(expiry: Expiry | "keep" | undefined): { expiry?: MessageInitShape<typeof ExpirySchema> } {
  return expiry === undefined ? {} : { expiry: toExpiry(expiry) };
}

function toExpiry(expiry: Expiry | "keep"): MessageInitShape<typeof ExpirySchema> {
  return typeof expiry === "number"
    ? { policy: { case: "at", value: timestampFromMs(expiry) } }
    : { policy: { case: expiry, value: {} } };
}
