import { Code, ConnectError } from "@connectrpc/connect";
import type { CallRunner } from "../call.js";
import type { CallOptions, WriteOptions } from "../call-options.js";
import { cancellableIterator } from "../cancellable-iterator.js";
import { type Cut, cutItems } from "../cut-items.js";
import { type DynakvError, endedHere } from "../errors.js";
import { createLanes } from "../lanes.js";
import { unlessEnded } from "../unless-ended.js";
import type { WriteKind } from "./kinds.js";
import type { WriteProgress, WriteResult } from "./result.js";
import { createTurns } from "./turns.js";
import { writeChunk } from "./write-chunk.js";

/** Options of mset and mdelete. */
export interface ManyWritesOptions extends CallOptions, Pick<WriteOptions, "idempotent"> {
  /** Number of requests that are in flight at a time, 1 to 100. The default is 4. */
  readonly streams?: number | undefined;
}

/**
 * The results of an mset or mdelete, which begins when they are first asked for, and can be read once: one by one as they come, by
 * `for await`, or all at once by `await`, which resolves when each is answered and rejects with the first error of any.
 *
 * Each write that was taken from what was given has one result, also when the call ends early: by its deadline, its signal, or an error
 * of what was given. Then the loop ends with that error. Leaving the loop cancels what is in flight, which may have been applied.
 */
export interface WriteResults<Answer> extends AsyncIterable<WriteResult<Answer>>, PromiseLike<WriteProgress> {
  /** Progress of the reader: results handed out count as answered. */
  readonly progress: WriteProgress;
}

export interface ManyWrites<Given, Item extends { readonly key: string }, Answer, Result> {
  readonly source: Iterable<Given> | AsyncIterable<Given>;
  readonly cut: Cut<Given, Item>;
  readonly kind: WriteKind<Item, Answer>;
  /** Changes each result as it is handed out. */
  readonly change: (result: WriteResult<Answer>) => WriteResult<Result> | Promise<WriteResult<Result>>;
}

/** Writes any number of entries or keys, by several requests at a time, in memory that does not grow with their number. */
export function manyWrites<Given, Item extends { readonly key: string }, Answer, Result>(
  runner: CallRunner,
  { source, cut, kind, change }: ManyWrites<Given, Item, Answer, Result>,
  options: ManyWritesOptions,
): WriteResults<Result> {
  const progress = { asked: 0, answered: 0, succeeded: 0, failed: 0 };
  let isBegun = false;

  function iterate(): AsyncIterator<WriteResult<Result>> {
    if (isBegun) {
      throw new TypeError("results of writes can be read once");
    }
    isBegun = true;
    // No deadline unless one is asked for: a million writes may rightly take minutes.
    const call = runner.begin(options, 0);
    const chunks = cutItems(source, cut, call.signal);
    /** Why no more is taken from the source; what was taken is written and answered all the same. */
    let stopped: { readonly cause: unknown } | undefined;
    const turns = createTurns();
    const lanes = createLanes(
      async () => {
        try {
          const { done, value: chunk } = await unlessEnded(call.signal, () => chunks.next());
          if (done === true) {
            return undefined;
          }
          await unlessEnded(call.signal, () => turns.wait(chunk.items));
          progress.asked += chunk.items.length;
          return turns.until(chunk.items, writeChunk(runner, call, kind, chunk, isHarmless));
        } catch (cause) {
          stopped = { cause };
          return undefined;
        }
      },
      options.streams ?? 4,
      false,
    );
    const isHarmless = () => options.idempotent === true;
    let batch: readonly WriteResult<Answer>[] = [];
    let place = 0;
    let isOver = false;
    /** Of a write whose stream met the deadline before the call's own timer did. */
    let late: DynakvError | undefined;

    function finish(reason?: unknown): void {
      isOver = true;
      call.end(reason);
      // Not awaited: a source that hangs would keep who has left.
      chunks.return(undefined).catch(() => {});
    }

    async function advance(): Promise<IteratorResult<WriteResult<Result>>> {
      while (!isOver) {
        const written = batch[place++];
        if (written !== undefined) {
          const result = await change(written);
          progress.answered++;
          progress[result.error === undefined ? "succeeded" : "failed"]++;
          if (result.error?.reason === "DEADLINE_EXCEEDED") {
            late ??= result.error;
          }
          return { done: false, value: result };
        }
        const next = await lanes.next();
        place = 0;
        batch = next ?? [];
        if (next === undefined) {
          if (call.signal.aborted) {
            stopped ??= { cause: endedHere(call.signal.reason, "UNKNOWN") };
          } else if (late !== undefined) {
            stopped ??= { cause: late.withUnknownOutcome() };
          }
          finish();
          if (stopped !== undefined) {
            throw stopped.cause;
          }
        }
      }
      return { done: true, value: undefined };
    }

    return cancellableIterator(advance, () => {
      if (!isOver) {
        finish(new ConnectError("the reader has left", Code.Canceled));
      }
    });
  }

  async function all(): Promise<WriteProgress> {
    let failure: unknown;
    for await (const { error } of { [Symbol.asyncIterator]: iterate }) {
      failure ??= error;
    }
    if (failure !== undefined) {
      throw failure;
    }
    return progress;
  }

  return {
    progress,
    [Symbol.asyncIterator]: iterate,
    // biome-ignore lint/suspicious/noThenProperty: awaited without a loop, writes that are not begun would be lost without a word
    then: (onFulfilled, onRejected) => all().then(onFulfilled, onRejected),
  };
}
