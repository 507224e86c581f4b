import type { Dispatcher } from "undici";
// Not undici as a whole: with its fetch, caches and mocks an idle server held 8 MB more.
import Pool from "undici/lib/dispatcher/pool.js";

export interface HttpRequest {
  readonly path: string;
  /** In pairs. */
  readonly headers: string[];
  readonly body: Uint8Array;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** Of an error, such as `Mon, 23 Nov 2026 12:00:00 GMT`; undefined when the answer does not say. */
  readonly date: string | undefined;
  /** Of an error: the id by which AWS finds the request. */
  readonly requestId: string | undefined;
}

/** Sends requests to one origin over connections that are kept. */
export interface HttpExchange {
  /** Rejects when there is no whole answer: with the signal's AbortError, or the socket's or undici's own error. */
  post(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
  /** Cuts what is under way. */
  close(): Promise<void>;
}

export interface HttpExchangeOptions {
  readonly connectTimeoutMs: number;
  /** How long each of head and rest of an answer may keep one waiting. */
  readonly answerTimeoutMs: number;
  readonly maxConnections: number;
}

/**
 * How long an unused connection is kept where the other side does not say: longer than the pauses of ordinary traffic, since
 * a TLS handshake costs more than hundreds of requests, and shorter than servers and load balancers commonly wait.
 */
const keepAliveMs = 25_000;

export function createHttpExchange(origin: string, options: HttpExchangeOptions): HttpExchange {
  const pool = new Pool(origin, {
    connections: options.maxConnections,
    connect: { timeout: options.connectTimeoutMs },
    headersTimeout: options.answerTimeoutMs,
    bodyTimeout: options.answerTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    // Requests are not lined up behind one another: a slow one would hold up the next.
    pipelining: 1,
  });
  return {
    post: ({ path, headers, body }, signal) =>
      new Promise((resolve, reject) => {
        const handler = new AnswerReader(signal, resolve, reject);
        pool.dispatch({ path, method: "POST", headers, body }, handler);
      }),
    close: () => pool.destroy(),
  };
}

/** Reads one answer whole. */
class AnswerReader implements Dispatcher.DispatchHandlers {
  readonly #signal: AbortSignal;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: Error) => void;
  readonly #chunks: Buffer[] = [];
  #abort: ((error?: Error) => void) | undefined;
  #status = 0;
  #date: string | undefined;
  #requestId: string | undefined;

  constructor(signal: AbortSignal, resolve: (answer: HttpAnswer) => void, reject: (error: Error) => void) {
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    signal.addEventListener("abort", this.#leave);
  }

  #leave = () => {
    if (this.#abort === undefined) {
      // It waits for a connection, which undici cannot be told about.
      this.#reject(new AbortError(true));
    } else {
      this.#abort(new AbortError(false));
    }
  };

  onConnect(abort: (error?: Error) => void): void {
    if (this.#signal.aborted) {
      abort(new AbortError(true));
    }
    this.#abort = abort;
  }

  onHeaders(status: number, headers: Buffer[]): boolean {
    this.#status = status;
    // The time matters where a request is refused for its signature, the id to whoever asks AWS what went wrong.
    if (status !== 200) {
      this.#date = findHeader(headers, "date");
      this.#requestId = findHeader(headers, "x-amzn-requestid");
    }
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    return true;
  }

  onComplete(): void {
    this.#signal.removeEventListener("abort", this.#leave);
    const [only = Buffer.alloc(0)] = this.#chunks;
    const body = this.#chunks.length <= 1 ? only : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, body, date: this.#date, requestId: this.#requestId });
  }

  onError(error: Error): void {
    this.#signal.removeEventListener("abort", this.#leave);
    this.#reject(error);
  }
}

class AbortError extends Error {
  override readonly name = "AbortError";
  /** Whether DynamoDB cannot have had the request. */
  readonly neverSent: boolean;
  constructor(neverSent: boolean) {
    super("the request was aborted");
    this.neverSent = neverSent;
  }
}

function findHeader(headers: readonly Buffer[], wanted: string): string | undefined {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toString("latin1").toLowerCase() === wanted) {
      return headers[index + 1]?.toString("latin1");
    }
  }
  return undefined;
}
