import { setMaxListeners } from "node:events";

/**
 * The calls on whose behalf a request to DynamoDB is made. The signal that aborts a piece of work goes with it through every layer, also where
 * the work of several calls becomes one: so it is the signal that carries this too. An AsyncLocalStorage would cost every call,
 * and would name but one of those that share a request.
 */
export interface Initiators {
  /** Those who want to know of requests. What they are is not the store's business. */
  readonly watching: readonly object[];
  /** All initiators, watched or not. */
  readonly count: number;
}

const bySignal = new WeakMap<AbortSignal, Initiators>();
/** Most servers are never asked, and need not look. */
let isUsed = false;

/** Says that work under a signal is done for somebody who wants to know. */
export function bindInitiator(signal: AbortSignal, initiator: object): void {
  isUsed = true;
  bySignal.set(signal, { watching: [initiator], count: 1 });
}

/** Says that work under one signal goes on under another. */
function passInitiators(from: AbortSignal, to: AbortSignal): void {
  const initiators = initiatorsOf(from);
  if (initiators !== undefined) {
    bySignal.set(to, initiators);
  }
}

/** A signal of work that ends with its caller's, or when its own reader leaves, on behalf of the same initiators. */
export function cancellableSignal(caller: AbortSignal): { readonly signal: AbortSignal; leave(): void } {
  const reader = new AbortController();
  const signal = AbortSignal.any([caller, reader.signal]);
  // Each request that is in flight listens to it.
  setMaxListeners(0, signal);
  passInitiators(caller, signal);
  return { signal, leave: () => reader.abort() };
}

/** Says that work under several signals has become one, under another. */
export function joinInitiators(from: readonly AbortSignal[], to: AbortSignal): void {
  if (isUsed) {
    const watching = from.flatMap((signal) => bySignal.get(signal)?.watching ?? []);
    if (watching.length > 0) {
      bySignal.set(to, { watching, count: from.length });
    }
  }
}

/** The initiators of work under a signal; undefined when none is watched. */
export function initiatorsOf(signal: AbortSignal): Initiators | undefined {
  return isUsed ? bySignal.get(signal) : undefined;
}
