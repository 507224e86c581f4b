import { deleteKeys, mdeleteOptions, msetOptions, setEntries } from "../arguments/call-arguments.js";
import { checkOptions } from "../arguments/checks.js";
import type { CallRunner } from "../call.js";
import { decodeEntry } from "../decoder.js";
import type { Entry } from "../entry.js";
import { DynakvError } from "../errors.js";
import type { Swapped } from "../operations.js";
import { checkAll, checkUnencodedEntry, deleteItems, setItems } from "./items.js";
import { manyDeletes, manySets } from "./kinds.js";
import { manyWrites, type WriteResults } from "./many-writes.js";
import type { MDeleteOptions, MSetOptions } from "./options.js";
import { type Deleted, WriteResult } from "./result.js";

/** How entries under a prefix are written, and what was there before is returned. */
export interface WriteCodec<E> {
  readonly prefix: string;
  /** Encodes what entries hold; without it they hold bytes or counters. */
  readonly encode?: ((value: unknown) => Uint8Array | Promise<Uint8Array>) | undefined;
  /** A DynakvError that it throws is the error of the key alone. */
  readonly decode?: ((entry: Entry) => E | Promise<E>) | undefined;
}

export interface ManyWriteCalls {
  mset<E>(codec: WriteCodec<E>, entries: unknown, options: MSetOptions | undefined): WriteResults<Swapped<E>>;
  mdelete<E>(codec: WriteCodec<E>, keys: unknown, options: MDeleteOptions | undefined): WriteResults<Deleted<E>>;
}

export function createManyWriteCalls(runner: CallRunner): ManyWriteCalls {
  return {
    mset<E>(codec: WriteCodec<E>, entries: unknown, given: MSetOptions | undefined) {
      const { returnPrevious = false, ...options } = checkOptions<MSetOptions>("mset", given, msetOptions);
      refuseBoth("returnPrevious", returnPrevious, options.idempotent);
      const source = setEntries("entries", entries);
      checkAll(source, codec.encode === undefined ? setItems.take : checkUnencodedEntry);
      return manyWrites(
        runner,
        {
          source: codec.encode === undefined && codec.prefix === "" ? source : encoded(source, codec),
          cut: { ...setItems, take: (each, index) => ({ ...setItems.take(each, index), returnPrevious }) },
          kind: manySets,
          change: (result) =>
            changed(codec, result, result.error === undefined ? result.answer.previous : undefined, (previous) => ({
              ...result.answer,
              previous,
            })),
        },
        options,
      );
    },
    mdelete<E>(codec: WriteCodec<E>, keys: unknown, given: MDeleteOptions | undefined) {
      const { returnEntries = false, ...options } = checkOptions<MDeleteOptions>("mdelete", given, mdeleteOptions);
      refuseBoth("returnEntries", returnEntries, options.idempotent);
      const source = deleteKeys("keys", keys);
      checkAll(source, deleteItems.take);
      const take: typeof deleteItems.take = (each, index) => {
        const item = deleteItems.take(each, index);
        return { ...item, key: codec.prefix + item.key };
      };
      return manyWrites(
        runner,
        {
          source,
          cut: { ...deleteItems, take },
          kind: manyDeletes(returnEntries),
          change: (result) =>
            changed(codec, result, result.error === undefined ? result.answer.entry : undefined, (entry) => ({
              ...result.answer,
              entry,
            })),
        },
        options,
      );
    },
  };
}

/** With the prefix before each key, and each value encoded as it is taken. What is no entry is refused when it is cut. */
async function* encoded<E>(
  source: Iterable<unknown> | AsyncIterable<unknown>,
  { prefix, encode }: WriteCodec<E>,
): AsyncGenerator<unknown> {
  let index = 0;
  for await (const given of source) {
    checkUnencodedEntry(given, index++);
    const entry = given as { readonly key: string; readonly value?: unknown };
    const isValue = encode !== undefined && !("counter" in entry && entry.value === undefined);
    yield { ...entry, key: prefix + entry.key, ...(isValue ? { value: await encode(entry.value) } : {}) };
  }
}

/** A result as callers see it: without the prefix, and with what was there before as its type. */
function changed<Answer, E, Result>(
  { prefix, decode }: WriteCodec<E>,
  { index, key, error }: WriteResult<Answer>,
  entry: Entry | undefined,
  toResult: (entry: E | undefined) => Result,
): WriteResult<Result> | Promise<WriteResult<Result>> {
  const short = key.slice(prefix.length);
  if (error !== undefined) {
    return new WriteResult<Result>(index, short, undefined, error);
  }
  if (entry === undefined || decode === undefined) {
    return new WriteResult(index, short, toResult(entry as E | undefined));
  }
  return decodeEntry({ decode }, entry).then((found) =>
    found instanceof DynakvError
      ? new WriteResult<Result>(index, short, undefined, found)
      : new WriteResult(index, short, toResult(found)),
  );
}

function refuseBoth(name: string, isAsked: boolean, idempotent: boolean | undefined): void {
  if (isAsked && idempotent === true) {
    throw new TypeError(`give one of ${name} and idempotent`);
  }
}
