/** Holds the event loop for a while, in milliseconds. */
export function holdEventLoop(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; ) {
    // Nothing but the time of it matters.
  }
}

/** Makes each turn of the event loop so long, in milliseconds, and gives it no rest, until it is told to end. */
export function keepEventLoopBusy(turnMs: number): () => void {
  let isBusy = true;
  const work = () => {
    holdEventLoop(turnMs);
    if (isBusy) {
      setImmediate(work);
    }
  };
  work();
  return () => {
    isBusy = false;
  };
}
