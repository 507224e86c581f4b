import { Code, ConnectError } from "@connectrpc/connect";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Call, CallRunner } from "../call.js";
import { toEntry } from "../entry.js";
import { detailOf } from "../errors.js";
import { type DeleteItem, manyDeletes, manySets, type SetItem, type WriteKind } from "../many-writes/kinds.js";
import type { Deleted } from "../many-writes/result.js";
import { writeChunk } from "../many-writes/write-chunk.js";
import type { Swapped } from "../operations.js";
import { toWritten } from "../written.js";
import { createWriteQueue, type Lot, type Waiting } from "./write-queue.js";

/** A write of one key. `idempotent` is what its caller says of it. */
export type Write<Item, Answer> = (call: Call, item: Item, idempotent: boolean) => Promise<Answer>;

export interface BatchWrites {
  readonly set: Write<SetItem, Swapped>;
  readonly delete: Write<DeleteItem, Deleted>;
}

/** Time until a server that does not know the streams is asked for them again, in milliseconds: it may have been replaced. */
const askAgainMs = 60_000;

const { method } = KeyValueService;

/** One Set or Delete each. */
export const writeAlone: BatchWrites = {
  async set(call, item) {
    const response = await call.unary(method.set, item);
    return { ...toWritten(response), previous: response.previous && toEntry(item.key, response.previous) };
  },
  async delete(call, item) {
    const { existed } = await call.unary(method.delete, item);
    return { existed, entry: undefined };
  },
};

/** Sets that are made at the same time travel as MSets, and deletes as MDeletes; few of them are calls of their own. */
export function createBatchWrites(runner: CallRunner): BatchWrites {
  const write = createWriteQueue(runner.afterArrivals);
  const sets = bothLots(runner, manySets, writeAlone.set, ({ key, value }) => key.length + (value?.length ?? 0));
  const deletes = bothLots(runner, manyDeletes(false), writeAlone.delete, ({ key }) => key.length);
  return {
    set: (call, item, idempotent) => write(idempotent ? sets.idempotent : sets.single, call, item),
    delete: (call, item, idempotent) => write(idempotent ? deletes.idempotent : deletes.single, call, item),
  };
}

/** Those that may be repeated travel apart from those that may not: what the transport does for the one it must not for the other. */
function bothLots<Item extends { readonly key: string }, Answer>(
  runner: CallRunner,
  kind: WriteKind<Item, Answer>,
  alone: Write<Item, Answer>,
  lengthOf: (item: Item) => number,
) {
  let closedUntil = Number.NEGATIVE_INFINITY;

  function lot(idempotent: boolean): Lot<Item, Answer> {
    const sendAlone = (call: Call, item: Item) => alone(call, item, idempotent);
    return {
      isOpen: () => performance.now() >= closedUntil,
      lengthOf,
      alone: sendAlone,
      async together(group, { signal, endAt }) {
        const requestErrors: unknown[] = [];
        const options = { signal, timeoutMs: runner.leftMs(endAt), idempotent };
        const apart = await runner.run(options, (call) =>
          writeTogether(runner, call, noting(kind, requestErrors), group, idempotent, () => requestErrors.length > 0),
        );
        if (requestErrors.some(isUnknownMethod)) {
          closedUntil = performance.now() + askAgainMs;
        }
        await eachInTurn(apart, sendAlone);
      },
    };
  }

  return { single: lot(false), idempotent: lot(true) };
}

/** Returns those that have certainly not been applied, and are better off alone. */
async function writeTogether<Item extends { readonly key: string }, Answer>(
  runner: CallRunner,
  call: Call,
  kind: WriteKind<Item, Answer>,
  group: readonly Waiting<Item, Answer>[],
  idempotent: boolean,
  isRefused: () => boolean,
): Promise<Waiting<Item, Answer>[]> {
  const apart: Waiting<Item, Answer>[] = [];
  const items = group.map(({ item }) => item);
  for await (const results of writeChunk(runner, call, kind, { from: 0, items }, () => idempotent)) {
    for (const result of results) {
      const each = group[result.index] as Waiting<Item, Answer>;
      const { error } = result;
      if (error === undefined) {
        each.settle(result.answer);
      } else if (error.outcome === "NOT_APPLIED" && mayFareBetterAlone(error.code, isRefused())) {
        apart.push(each);
      } else {
        each.fail(error);
      }
    }
  }
  return apart;
}

/** Alone, a wrong write has the error of its own call, and what was refused with others may not be. */
function mayFareBetterAlone(code: Code, isRefused: boolean): boolean {
  return (
    code === Code.InvalidArgument || (isRefused && (code === Code.Unimplemented || code === Code.ResourceExhausted))
  );
}

/** Notes why a server refuses a request as a whole, for good. */
function noting<Item, Answer>(kind: WriteKind<Item, Answer>, requestErrors: unknown[]): WriteKind<Item, Answer> {
  return {
    method: kind.method,
    async *send(call, items) {
      try {
        yield* kind.send(call, items);
      } catch (error) {
        if (isUnknownMethod(error) || detailOf(ConnectError.from(error))?.retryable === false) {
          requestErrors.push(error);
        }
        throw error;
      }
    },
  };
}

/** A server that has no such method, or whoever stands in its place, tells nothing but the code. */
function isUnknownMethod(error: unknown): boolean {
  const failure = ConnectError.from(error);
  return failure.code === Code.Unimplemented && detailOf(failure) === undefined;
}

/** Those of one key follow each other. */
async function eachInTurn<Item extends { readonly key: string }, Answer>(
  writes: readonly Waiting<Item, Answer>[],
  send: (call: Call, item: Item) => Promise<Answer>,
): Promise<void> {
  const turns = new Map<string, Promise<void>>();
  for (const { item, call, settle, fail } of writes) {
    const carryOut = () => send(call, item).then(settle, fail);
    turns.set(item.key, (turns.get(item.key) ?? Promise.resolve()).then(carryOut));
  }
  await Promise.all(turns.values());
}
