import { runInSlices } from "../../../../common/time-slices.js";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import { type AnswerRoom, NoRoomError } from "../dynamodb/answer-room.js";
import { cancellableSignal } from "../dynamodb/initiators.js";
import type { ReadOptions } from "../layout/entry.js";
import type { StoreContext } from "../store-context.js";
import type { BatchAnswer } from "./batch-answer.js";
import { createBatchQueue, findRepeats, type KeyBatch } from "./key-batches.js";
import { readBatch } from "./read-batch.js";
import { createReadPacer } from "./read-pacer.js";
import { groupsOf, type ResultGroup } from "./result-group.js";
import { createResultOrder } from "./result-order.js";

export interface ReadManyInput {
  readonly keys: readonly string[];
  /** True if results come in the order of the keys, and not as they arrive. */
  readonly ordered: boolean;
  /** The error of a key that must not be asked for; undefined when it may. */
  readonly check: (key: string) => DynakvError | undefined;
  /** True to fail with OVERLOADED when there is no room, instead of waiting. The default is false. */
  readonly isImpatient?: boolean;
}

/** Time that a response may wait to be read: its connection is taken meanwhile. */
const answerWaitMs = 300;

/**
 * Reads any number of keys, a batch at a time, several at once, and answers each position exactly once. Each answer of
 * DynamoDB's is handed on before what it left unprocessed is asked for again. Batches are started only while what is
 * in flight and not yet taken is little, so that a slow reader slows the reads and memory stays flat.
 */
export async function* readMany(
  context: StoreContext,
  { keys, ordered, check, isImpatient = false }: ReadManyInput,
  options: ReadOptions,
): AsyncGenerator<ResultGroup> {
  const { batchSlots, readRoom, itemSizes } = context;
  const pacer = createReadPacer(context.batchConcurrency, itemSizes);
  const queue = createBatchQueue(keys, ordered ? undefined : await runInSlices(findRepeats(keys)), pacer);
  const order = ordered ? createResultOrder() : undefined;
  const { signal, leave } = cancellableSignal(options.signal);
  const running = new Set<Running>();
  let slots = 0;
  /** Number of batches that are being read; others wait to be taken, and need no room. */
  let working = 0;

  function bytesUnderWay(): number {
    let bytes = order?.bytes ?? 0;
    for (const { batch, answer } of running) {
      bytes += answer?.bytes ?? pacer.expectedBytes(batch.keys.length);
    }
    return bytes;
  }

  function takeSlot(): boolean {
    const taken = batchSlots.tryTake();
    slots += taken ? 1 : 0;
    return taken;
  }

  function giveSlotsBack(kept: number): void {
    for (; slots > Math.max(0, kept); slots--) {
      batchSlots.giveBack();
    }
  }

  /** Bytes accounted for: expected, not yet taken, or waiting for an earlier position. */
  let held = 0;
  let waitingBytes = 0;
  let hasEnded = false;

  function setHeld(bytes: number): void {
    if (bytes > held) {
      readRoom.holdAnyhow(bytes - held);
    } else {
      readRoom.release(held - bytes);
    }
    held = bytes;
  }

  /** The answer may be larger than was expected. It waits for a moment, and is asked for again when there is room. */
  function roomFor(hold: Hold): AnswerRoom {
    return {
      take(bytes) {
        const more = bytes - hold.bytes;
        if (more <= 0 || hasEnded) {
          hold.answerBytes = bytes;
          return;
        }
        const add = () => {
          if (hasEnded) {
            readRoom.release(more);
            return;
          }
          held += more;
          hold.bytes += more;
          hold.answerBytes = bytes;
        };
        if (readRoom.tryHold(more)) {
          add();
          return;
        }
        if (isImpatient) {
          throw new NoRoomError(bytes);
        }
        return readRoom.hold(more, AbortSignal.any([signal, AbortSignal.timeout(answerWaitMs)])).then(add, () => {
          throw new NoRoomError(bytes);
        });
      },
    };
  }

  async function holdFirst(bytes: number): Promise<void> {
    if (readRoom.tryHold(bytes)) {
      return;
    }
    if (isImpatient) {
      throw new DynakvError(ErrorReason.OVERLOADED, "there is no room for what is to be read together");
    }
    await readRoom.hold(bytes, signal);
  }

  function onSettled(batch: Running): void {
    working--;
    if (!hasEnded) {
      // Corrects the estimate. An answer is held whole until the last of its results is taken.
      const { hold, answer } = batch;
      const bytes = answer === undefined ? 0 : Math.max(answer.bytes, hold.answerBytes);
      setHeld(held - hold.bytes + bytes);
      hold.bytes = bytes;
    }
    giveSlotsBack(working - 1);
  }

  try {
    for (;;) {
      while (pacer.allows(running.size, bytesUnderWay())) {
        const batch = queue.take();
        if (batch === undefined) {
          break;
        }
        const bytes = pacer.bytesToHold(batch.keys.length);
        if (running.size === 0) {
          // The first needs no slot: what has begun goes on.
          await holdFirst(bytes);
        } else if (!readRoom.tryHold(bytes)) {
          queue.putBack(batch);
          break;
        } else if (!takeSlot()) {
          readRoom.release(bytes);
          queue.putBack(batch);
          break;
        }
        held += bytes;
        working++;
        const hold = { bytes, answerBytes: 0 };
        const work = readBatch(context, batch, check, pacer, { ...options, signal }, roomFor(hold));
        running.add(track(batch, hold, work, onSettled));
      }
      if (running.size === 0) {
        return;
      }
      const done = await Promise.race([...running].map(({ settled }) => settled));
      running.delete(done);
      if (done.answer === undefined) {
        throw done.error;
      }
      if (done.answer.left !== undefined) {
        queue.putBack(done.answer.left);
      }
      if (order === undefined) {
        yield* groupsOf(done.answer);
        done.answer.release();
      } else {
        order.add(done.answer);
        yield* order.take();
      }
      setHeld(held - done.hold.bytes + (order?.bytes ?? 0) - waitingBytes);
      waitingBytes = order?.bytes ?? 0;
    }
  } finally {
    hasEnded = true;
    setHeld(0);
    giveSlotsBack(0);
    leave();
  }
}

/** Memory held for a batch, and its response's length once known. */
interface Hold {
  bytes: number;
  answerBytes: number;
}

/** A batch that is in flight, or answered and not yet taken. */
interface Running {
  readonly batch: KeyBatch;
  readonly hold: Hold;
  /** Resolves once there is an answer or an error. Never rejects, so that none is left unhandled when the reader leaves. */
  readonly settled: Promise<Running>;
  answer?: BatchAnswer;
  error?: unknown;
}

function track(
  batch: KeyBatch,
  hold: Hold,
  work: Promise<BatchAnswer>,
  onSettled: (running: Running) => void,
): Running {
  const running: Running = {
    batch,
    hold,
    settled: work
      .then(
        (answer) => Object.assign(running, { answer }),
        (error: unknown) => Object.assign(running, { error }),
      )
      .finally(() => onSettled(running)),
  };
  return running;
}
