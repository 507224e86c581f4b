/** A request that several callers wait for. It is aborted when none of them does any more. */
export interface SharedRequest {
  readonly controller: AbortController;
  /** Number of callers that wait for it. */
  waiting: number;
}

/** A caller's part of what is to become a request. */
export interface Part<Result> {
  /** Tell the caller, who hears only the first. */
  readonly settle: (result: Result) => void;
  readonly fail: (error: unknown) => void;
  /** Called when it is no longer waiting for its turn, but for the answer to this request. */
  readonly join: (request: SharedRequest) => void;
}

export interface PartOptions<Result> {
  readonly signal: AbortSignal;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** The caller has left while it waited for its turn. */
  readonly withdraw: () => void;
  /** The error of who has left, while it waited for its turn or when its request may have been carried out. */
  readonly left: (reason: unknown, wasSent: boolean) => unknown;
}

export function shareRequest<Result>(parts: readonly Part<Result>[]): SharedRequest {
  const request = { controller: new AbortController(), waiting: parts.length };
  for (const part of parts) {
    part.join(request);
  }
  return request;
}

/** The last one to leave a request aborts it, and hears what became of it: the request knows whether it was sent. */
export function createPart<Result>({ signal, resolve, reject, withdraw, left }: PartOptions<Result>): Part<Result> {
  let request: SharedRequest | undefined;
  let isOver = false;
  const end = () => {
    if (isOver) {
      return false;
    }
    isOver = true;
    signal.removeEventListener("abort", leave);
    if (request !== undefined) {
      request.waiting--;
    }
    return true;
  };
  const settle = (result: Result) => end() && resolve(result);
  const fail = (error: unknown) => end() && reject(error);
  const leave = () => {
    if (request?.waiting === 1) {
      request.controller.abort(signal.reason);
      return;
    }
    if (request === undefined) {
      withdraw();
    }
    fail(left(signal.reason, request !== undefined));
  };
  signal.addEventListener("abort", leave);
  const join = (joined: SharedRequest) => {
    request = joined;
  };
  return { settle, fail, join };
}
