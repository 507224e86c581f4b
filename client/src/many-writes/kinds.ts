import type { DescMethod, MessageInitShape } from "@bufbuild/protobuf";
import type { ConditionSchema, Entry as EntryMessage } from "../../../gen/dynakv/v1/entry_pb.js";
import type { ResultError } from "../../../gen/dynakv/v1/error_pb.js";
import { KeyValueService, type SetRequestSchema } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Call } from "../call.js";
import { type Entry, toEntry } from "../entry.js";
import type { Swapped } from "../operations.js";
import { wholeReader } from "../results/result-reader.js";
import { toWritten } from "../written.js";
import type { Deleted } from "./result.js";

/** What is said of one position of a request. */
export interface Answered<Answer> {
  readonly index: number;
  readonly answer: Answer | undefined;
  readonly error: ResultError | undefined;
}

/** A write of one key. */
export interface WriteItem {
  readonly key: string;
  /** Makes a Delete safe to repeat, together with an etag as its condition. */
  readonly requestId?: string;
}

/** A method that writes many. */
export interface WriteKind<Item, Answer> {
  readonly method: DescMethod;
  /** One attempt at a request. */
  send(call: Call, items: readonly Item[]): AsyncIterable<Answered<Answer>[]>;
}

export type SetItem = MessageInitShape<typeof SetRequestSchema> & { readonly key: string };

export interface DeleteItem extends WriteItem {
  readonly condition?: MessageInitShape<typeof ConditionSchema>;
}

const { mSet, mDelete } = KeyValueService.method;
const storedReader = wholeReader(mSet.output);
const deletedReader = wholeReader(mDelete.output);

export const manySets: WriteKind<SetItem, Swapped> = {
  method: mSet,
  async *send(call, items) {
    for await (const { results } of call.results(mSet, { entries: [...items] }, storedReader)) {
      yield results.map(({ index, result }) => ({
        index,
        error: result.case === "error" ? result.value : undefined,
        answer:
          result.case === "stored"
            ? { ...toWritten(result.value), previous: entryOf(items[index], result.value.previous) }
            : undefined,
      }));
    }
  },
};

export function manyDeletes(returnEntries: boolean): WriteKind<DeleteItem, Deleted> {
  return {
    method: mDelete,
    async *send(call, items) {
      const conditions: Record<number, MessageInitShape<typeof ConditionSchema>> = {};
      const requestIds: Record<number, string> = {};
      for (const [index, { condition, requestId }] of items.entries()) {
        if (condition !== undefined) {
          conditions[index] = condition;
        }
        if (requestId !== undefined) {
          requestIds[index] = requestId;
        }
      }
      const request = { keys: items.map(({ key }) => key), conditions, requestIds, returnEntries };
      for await (const { results } of call.results(mDelete, request, deletedReader)) {
        yield results.map(({ index, result }) => ({
          index,
          error: result.case === "error" ? result.value : undefined,
          answer:
            result.case === "deleted"
              ? { existed: result.value.existed, entry: entryOf(items[index], result.value.entry) }
              : undefined,
        }));
      }
    },
  };
}

function entryOf(item: { readonly key: string } | undefined, entry: EntryMessage | undefined): Entry | undefined {
  return item === undefined || entry === undefined ? undefined : toEntry(item.key, entry);
}
