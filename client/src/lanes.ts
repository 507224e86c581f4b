/** Several streams that are read at a time, each one batch ahead of its reader. */
export interface Lanes<T> {
  /** The next batch; undefined when all streams have ended. Not to be called again before it has settled. */
  next(): Promise<T | undefined>;
}

interface Lane<T> {
  readonly stream: AsyncIterator<T>;
  /** A result that was received and not taken yet. */
  arrived: (() => IteratorResult<T>) | undefined;
}

/**
 * Opens streams as long as there are some, no more than so many at a time. In order, the batches of a stream come before
 * those of the next; else they come as they arrive.
 */
export function createLanes<T>(
  openNext: () => Promise<AsyncIterator<T> | undefined>,
  maxOpen: number,
  isOrdered: boolean,
): Lanes<T> {
  const lanes: Lane<T>[] = [];
  let isOpening = false;
  let isLast = false;
  let failure: { readonly cause: unknown } | undefined;
  let wake = () => {};

  function open(): void {
    isOpening = true;
    openNext().then(
      (stream) => {
        isOpening = false;
        if (stream === undefined) {
          isLast = true;
        } else {
          const lane = { stream, arrived: undefined };
          lanes.push(lane);
          read(lane);
        }
        wake();
      },
      (cause) => {
        failure = { cause };
        wake();
      },
    );
  }

  function read(lane: Lane<T>): void {
    lane.stream.next().then(
      (result) => {
        lane.arrived = () => result;
        wake();
      },
      (cause) => {
        lane.arrived = () => {
          throw cause;
        };
        wake();
      },
    );
  }

  return {
    async next() {
      for (;;) {
        if (failure !== undefined) {
          throw failure.cause;
        }
        if (!isOpening && !isLast && lanes.length < maxOpen) {
          open();
        }
        const place = isOrdered
          ? lanes[0]?.arrived
            ? 0
            : -1
          : lanes.findIndex(({ arrived }) => arrived !== undefined);
        const lane = lanes[place];
        if (lane?.arrived !== undefined) {
          const { done, value } = lane.arrived();
          lane.arrived = undefined;
          if (done === true) {
            lanes.splice(place, 1);
            continue;
          }
          read(lane);
          if (!isOrdered) {
            // To the end, so that a quick stream does not hold back the others.
            lanes.push(...lanes.splice(place, 1));
          }
          return value;
        }
        if (isLast && lanes.length === 0) {
          return undefined;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
