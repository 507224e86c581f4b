/** Requests that no server can have seen, and errors that only such requests fail with. */
const unsent = new WeakSet<object>();

/** Notes it of a request that waits for a connection, until {@link noteSent}, or for good of an error. */
export function noteUnsent<T extends object>(requestOrError: T): T {
  unsent.add(requestOrError);
  return requestOrError;
}

export function noteSent(request: object): void {
  unsent.delete(request);
}

export function isUnsent(requestOrError: object): boolean {
  return unsent.has(requestOrError);
}
