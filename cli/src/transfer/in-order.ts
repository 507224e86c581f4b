/** Work that is done several at a time, and is finished with in the order in which it was begun. */
export interface OrderedWork {
  /** Begins a piece of work, once there is room for it. Rejects with the first failure of any. */
  begin(bytes: number, work: () => Promise<() => void>): Promise<void>;
  /** Resolves once all is finished, or rejects with the first failure; nothing is in flight then. */
  settle(): Promise<void>;
  /** Aborts with the first failure: whoever waits for something else meanwhile need wait no longer. */
  readonly failed: AbortSignal;
}

export interface OrderedWorkOptions {
  /** Concurrent pieces of work. */
  readonly concurrency: number;
  /** Byte budget of unfinished work. One piece of work alone may have more. */
  readonly maxBytes: number;
}

interface Piece {
  readonly bytes: number;
  finish: (() => void) | undefined;
}

/**
 * A piece's result is called once all before it are finished: whoever notes the last one that was finished can go
 * on after it. A piece that is slow holds back those after it, of which there are only so many.
 */
export function createOrderedWork({ concurrency, maxBytes }: OrderedWorkOptions): OrderedWork {
  const pieces: Piece[] = [];
  let running = 0;
  let bytes = 0;
  const failure = new AbortController();
  let wake = () => {};

  /** Bound of finished pieces that wait for a slow one. */
  const maxPieces = concurrency * 16;

  function hasRoom(more: number): boolean {
    return running < concurrency && pieces.length < maxPieces && (pieces.length === 0 || bytes + more <= maxBytes);
  }

  /** After a wait several pieces begin at once, so that they can travel together. */
  function hasRoomForMany(more: number): boolean {
    return running <= concurrency * 0.6 && hasRoom(more);
  }

  function finishInOrder(): void {
    let count = 0;
    for (const { finish, bytes: size } of pieces) {
      if (finish === undefined) {
        break;
      }
      finish();
      bytes -= size;
      count++;
    }
    pieces.splice(0, count);
  }

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    failed: failure.signal,
    async begin(size, work) {
      if (!hasRoom(size)) {
        await until(() => failure.signal.aborted || hasRoomForMany(size));
      }
      failure.signal.throwIfAborted();
      const piece: Piece = { bytes: size, finish: undefined };
      pieces.push(piece);
      bytes += size;
      running++;
      work().then(
        (finish) => {
          running--;
          piece.finish = finish;
          finishInOrder();
          wake();
        },
        (cause: unknown) => {
          running--;
          failure.abort(cause);
          wake();
        },
      );
    },
    async settle() {
      await until(() => running === 0);
      failure.signal.throwIfAborted();
    },
  };
}
