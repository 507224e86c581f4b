import { Code, ConnectError } from "@connectrpc/connect";
import type { Call, CallRunner } from "../call.js";
import type { Chunk } from "../cut-items.js";
import { type DynakvError, endedHere, fromResult } from "../errors.js";
import { explainFailure, mayRepeatError } from "../retries.js";
import { sleep } from "../sleep.js";
import type { WriteItem, WriteKind } from "./kinds.js";
import { WriteResult } from "./result.js";

/**
 * Answers each position of a chunk once, and never throws. Each write is repeated as it would be alone: when it has certainly not
 * been applied, or when repeating it is harmless. A position that a broken stream leaves unanswered may have been applied.
 */
export async function* writeChunk<Item extends WriteItem, Answer>(
  { pauses }: Pick<CallRunner, "pauses">,
  call: Call,
  kind: WriteKind<Item, Answer>,
  { from, items }: Chunk<Item>,
  isHarmless: (item: Item) => boolean,
): AsyncGenerator<WriteResult<Answer>[]> {
  /** The places in the chunk of what is not answered yet. */
  let left = items.map((_, place) => place);
  /** Places of which an earlier attempt may have been applied. */
  const doubtful = new Set<number>();
  const itemAt = (place: number) => items[place] as Item;
  const failed = (place: number, error: DynakvError) =>
    new WriteResult<Answer>(from + place, itemAt(place).key, undefined, error);
  const ended = () => left.map((place) => failed(place, endedHere(call.signal.reason, outcomeOf(doubtful.has(place)))));

  for (let attempt = 1; left.length > 0; attempt++) {
    if (call.signal.aborted) {
      yield ended();
      return;
    }
    const asked = left;
    const isOpen = new Uint8Array(asked.length).fill(1);
    /** The errors of those that may be written again. */
    const again = new Map<number, DynakvError>();
    const settle = (index: number, error: DynakvError): WriteResult<Answer> | undefined => {
      const place = asked[index] as number;
      const wasDoubtful = doubtful.has(place);
      if (error.outcome === "UNKNOWN") {
        doubtful.add(place);
      }
      const known = wasDoubtful ? error.withUnknownOutcome() : error;
      if (mayRepeatError(error, isHarmless(itemAt(place))) && pauses(attempt, error) !== undefined) {
        again.set(place, known);
        return undefined;
      }
      return failed(place, known);
    };
    let cause: unknown = new ConnectError("the server left positions unanswered", Code.Internal);
    try {
      const askedItems = asked.length === items.length ? items : asked.map(itemAt);
      for await (const answers of kind.send(call, askedItems)) {
        const batch: WriteResult<Answer>[] = [];
        for (const { index, answer, error } of answers) {
          const place = asked[index];
          if (place === undefined || isOpen[index] === 0 || (answer === undefined && error === undefined)) {
            throw new ConnectError(`the server sent an invalid answer for position ${index}`, Code.Internal);
          }
          isOpen[index] = 0;
          const result =
            error === undefined
              ? new WriteResult(from + place, itemAt(place).key, answer)
              : settle(index, fromResult(error));
          if (result !== undefined) {
            batch.push(result);
          }
        }
        left = asked.filter((place, index) => isOpen[index] === 1 || again.has(place));
        if (batch.length > 0) {
          yield batch;
        }
      }
    } catch (thrown) {
      cause = thrown;
    }
    const open = asked.flatMap((_, index) => (isOpen[index] === 1 ? [index] : []));
    if (open.length > 0) {
      if (call.signal.aborted) {
        // Whatever was in flight may have been applied.
        for (const index of open) {
          doubtful.add(asked[index] as number);
        }
        yield ended();
        return;
      }
      const { error } = explainFailure(cause, { method: kind.method, isRepeatable: false, wasSent: true });
      const batch = open.map((index) => settle(index, error)).filter((result) => result !== undefined);
      if (batch.length > 0) {
        yield batch;
      }
    }
    const late = overtaken(items, again);
    if (late.length > 0) {
      yield late.map((place) => failed(place, again.get(place) as DynakvError));
    }
    left = [...again.keys()].filter((place) => !late.includes(place)).sort((one, other) => one - other);
    const pause = Math.max(0, ...[...again.values()].slice(0, 1000).map((error) => pauses(attempt, error) ?? 0));
    if (left.length > 0 && performance.now() + pause >= call.endAt) {
      yield left.map((place) => failed(place, again.get(place) as DynakvError));
      return;
    }
    // When the call ends meanwhile, what is left is told so.
    await sleep(left.length > 0 ? pause : 0, call.signal).catch(() => {});
  }
}

/**
 * Places that must not be written again, since a later place of the same key was answered: the later one stands. What has a request id
 * changes nothing that came after it, and asks what became of it.
 */
function overtaken(items: readonly WriteItem[], again: ReadonlyMap<number, unknown>): number[] {
  if (again.size === 0) {
    return [];
  }
  const lastAnswered = new Map<string, number>();
  for (const [place, { key }] of items.entries()) {
    if (!again.has(place)) {
      lastAnswered.set(key, place);
    }
  }
  return [...again.keys()].filter((place) => {
    const { key, requestId } = items[place] as WriteItem;
    return requestId === undefined && (lastAnswered.get(key) ?? -1) > place;
  });
}

function outcomeOf(isDoubtful: boolean) {
  return isDoubtful ? "UNKNOWN" : "NOT_APPLIED";
}
