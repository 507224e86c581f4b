/**
 * Runs something once what has arrived by now is taken in. That is `setImmediate` in Node. Other platforms have no way to wait for just
 * that, and some have a `setImmediate` that throws: there it is a timer.
 */
export type AfterArrivals = (run: () => void) => unknown;
