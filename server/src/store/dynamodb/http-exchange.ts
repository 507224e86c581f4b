import type { Dispatcher } from "undici";
// Not undici as a whole: with its fetch, caches and mocks an idle server held 8 MB more.
import Pool from "undici/lib/dispatcher/pool.js";
import { createBufferPool } from "../../../../common/buffer-pool.js";
import type { HttpAnswer } from "./answer.js";
import type { AnswerRoom } from "./answer-room.js";
import { createConnector } from "./connector.js";
import { directNetwork, type Network } from "./network.js";
import { NeverSentError } from "./never-sent.js";

export interface HttpRequest {
  readonly path: string;
  /** In pairs. */
  readonly headers: string[];
  readonly body: Uint8Array;
}

/** Sends requests to one origin over connections that are kept. */
export interface HttpExchange {
  /**
   * Rejects when there is no whole answer: with an AbortError, or the socket's or undici's own error, in a NeverSentError if
   * nothing of the request was written.
   */
  post(request: HttpRequest, signal: AbortSignal, room?: AnswerRoom): Promise<HttpAnswer>;
  /** Cuts what is in flight. */
  close(): Promise<void>;
}

export interface HttpExchangeOptions {
  /** Proxy and authorities; the default is none. */
  readonly network?: Network;
  readonly connectTimeoutMs: number;
  /** Longest time that each of head and rest of an answer may keep one waiting. */
  readonly answerTimeoutMs: number;
  readonly maxConnections: number;
}

/**
 * Time that an unused connection is kept where the other side does not say: longer than the pauses of ordinary traffic, since
 * a TLS handshake costs more than hundreds of requests, and shorter than servers and load balancers commonly wait.
 */
const keepAliveMs = 25_000;

export function createHttpExchange(origin: string, options: HttpExchangeOptions): HttpExchange {
  const pool = new Pool(origin, {
    connections: options.maxConnections,
    connect: createConnector(options.network ?? directNetwork, options.connectTimeoutMs),
    headersTimeout: options.answerTimeoutMs,
    bodyTimeout: options.answerTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    // Requests are not lined up behind one another: a slow one would hold up the next.
    pipelining: 1,
  });
  return {
    post: ({ path, headers, body }, signal, room) =>
      new Promise((resolve, reject) => {
        const handler = new AnswerReader(signal, room, resolve, reject);
        pool.dispatch({ path, method: "POST", headers, body }, handler);
      }),
    close: () => pool.destroy(),
  };
}

/**
 * An answer of so many bytes is gathered in one buffer as it comes: to put 16 MB together at the end would hold the event loop. More than
 * the longest that DynamoDB gives is not believed before it has come.
 */
const leastGatheredBytes = 32 * 1024;
const mostGatheredBytes = 32 * 1024 * 1024;
/** As many as the batches of some large MGets have at a time. */
const bodies = createBufferPool(16 * 1024 * 1024);

/** Reads one answer whole. */
class AnswerReader implements Dispatcher.DispatchHandlers {
  readonly #signal: AbortSignal;
  readonly #room: AnswerRoom | undefined;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: Error) => void;
  readonly #chunks: Buffer[] = [];
  /** Buffer for a large response of known length, and its fill level. */
  #whole: Buffer | undefined;
  #received = 0;
  #abort: ((error?: Error) => void) | undefined;
  #status = 0;
  #contentType: string | undefined;
  #date: string | undefined;
  #requestId: string | undefined;
  #errorType: string | undefined;

  constructor(
    signal: AbortSignal,
    room: AnswerRoom | undefined,
    resolve: (answer: HttpAnswer) => void,
    reject: (error: Error) => void,
  ) {
    this.#signal = signal;
    this.#room = room;
    this.#resolve = resolve;
    this.#reject = reject;
    signal.addEventListener("abort", this.#leave);
  }

  #leave = () => {
    if (this.#abort === undefined) {
      // It waits for a connection, which undici cannot be told about.
      this.#reject(new NeverSentError("connecting", new AbortError()));
    } else {
      this.#abort(new AbortError());
    }
  };

  // Is called when there is a connection, right before the request is written on it.
  onConnect(abort: (error?: Error) => void): void {
    if (this.#signal.aborted) {
      abort(new AbortError());
      return;
    }
    this.#abort = abort;
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void): boolean {
    if (status < 200) {
      return true;
    }
    this.#status = status;
    this.#contentType = findHeader(headers, "content-type");
    const length = Number(findHeader(headers, "content-length"));
    // The time matters where a request is refused for its signature, the id to whoever asks AWS what went wrong.
    if (status !== 200) {
      this.#date = findHeader(headers, "date");
      this.#requestId = findHeader(headers, "x-amzn-requestid");
      this.#errorType = findHeader(headers, "x-amzn-errortype");
    }
    return this.#takeRoom(Number.isSafeInteger(length) ? length : 0, resume);
  }

  /** Returns false when the rest has to wait until `resume` is called. */
  #takeRoom(length: number, resume: () => void): boolean {
    const start = () => {
      if (length >= leastGatheredBytes && length <= mostGatheredBytes) {
        this.#whole = bodies.take(length);
      }
    };
    let waiting: void | Promise<void>;
    try {
      waiting = length === 0 ? undefined : this.#room?.take(length);
    } catch (error) {
      this.#abort?.(error as Error);
      return false;
    }
    if (waiting === undefined) {
      start();
      return true;
    }
    waiting.then(
      () => {
        start();
        resume();
      },
      (error: Error) => this.#abort?.(error),
    );
    return false;
  }

  onData(chunk: Buffer): boolean {
    if (this.#whole === undefined) {
      this.#chunks.push(chunk);
    } else {
      // There is never more than the length says: undici sees to that.
      this.#received += chunk.copy(this.#whole, this.#received);
    }
    return true;
  }

  onComplete(): void {
    this.#signal.removeEventListener("abort", this.#leave);
    const [only = Buffer.alloc(0)] = this.#chunks;
    const whole = this.#whole;
    this.#resolve({
      status: this.#status,
      body: whole ?? (this.#chunks.length <= 1 ? only : Buffer.concat(this.#chunks)),
      release: whole && (() => bodies.give(whole)),
      contentType: this.#contentType,
      date: this.#date,
      requestId: this.#requestId,
      errorType: this.#errorType,
    });
  }

  onError(error: Error): void {
    this.#signal.removeEventListener("abort", this.#leave);
    this.#reject(this.#abort === undefined ? new NeverSentError("connecting", error) : error);
  }
}

/** The signal of a request has aborted. */
export class AbortError extends Error {
  override readonly name = "AbortError";
  constructor() {
    super("the request was aborted");
  }
}

function findHeader(headers: readonly Buffer[], wanted: string): string | undefined {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index];
    // Most names differ in their length already.
    if (name?.length === wanted.length && name.toString("latin1").toLowerCase() === wanted) {
      return headers[index + 1]?.toString("latin1");
    }
  }
  return undefined;
}
