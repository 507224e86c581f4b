import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";

/** Ends requests whose client has stopped to send, or to read, in their middle. */
export interface StalledRequests {
  watchStream(stream: ServerHttp2Stream): void;
  watchRequest(request: IncomingMessage, response: ServerResponse): void;
  /** Looks for the stalled ones. To be called every second or so. */
  sweep(now: number): void;
}

/** The party that a request waits for: its client's next bytes, nothing of its client's, or that its client takes the rest of the answer. */
type Phase = "sending" | "served" | "taking";

/** One request, as far as it is watched. There is one for each call, so it is an object of a class and not of closures. */
abstract class Watched {
  /** Set by the first sweep that finds it waiting. */
  waiting?: { readonly phase: Phase; readonly since: number; progress: number; progressAt: number } | undefined;
  abstract readonly phase: Phase;
  /** Changes whenever some of the body has come. */
  abstract readonly progress: number;
  abstract cut(): void;
}

class WatchedStream extends Watched {
  readonly stream: ServerHttp2Stream;
  readonly session: Http2Session | undefined;
  /** True if it was ended here. */
  isCut = false;
  /** True if it was over when it was last looked at, and Node had not noticed. */
  isLeftOver = false;

  constructor(stream: ServerHttp2Stream) {
    super();
    this.stream = stream;
    this.session = stream.session;
  }

  get phase(): Phase {
    const { stream } = this;
    return phaseOf(stream, stream.readableEnded || stream.state.remoteClose === 1);
  }

  /** Remaining flow-control window of the client. */
  get progress(): number {
    return this.stream.state.localWindowSize ?? 0;
  }

  /** Returns true if its client has reset it, with whatever code. */
  get isReset(): boolean {
    const { aborted, rstCode } = this.stream;
    return !this.isCut && (aborted || this.isLeftOver || rstCode !== constants.NGHTTP2_NO_ERROR);
  }

  /**
   * Node waits for ever until an answer is taken that its client has reset as if all were well (NO_ERROR): ends it the second time that
   * it is seen so.
   */
  sweepLeftOver(): void {
    if (this.stream.closed && this.isLeftOver) {
      this.stream.destroy();
    }
    this.isLeftOver = this.stream.closed;
  }

  cut(): void {
    this.isCut = true;
    this.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}

class WatchedRequest extends Watched {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Kept here, since Node has been seen to take it away from a request whose connection was lost. */
  readonly socket: Socket;

  constructor(request: IncomingMessage, response: ServerResponse) {
    super();
    this.request = request;
    this.response = response;
    this.socket = request.socket;
  }

  get phase(): Phase {
    return phaseOf(this.response, this.request.complete);
  }

  get progress(): number {
    return this.socket.bytesRead;
  }

  cut(): void {
    this.socket.destroy();
  }
}

/** A body may take this many times as long in all as it may stand still, and so may the rest of an answer. */
export const wholeFactor = 10;

/**
 * @param stillMs how long a body may stand still. An answer that is being streamed may be read at any pace, since what waits
 * for its reader is little; one that is complete is held whole.
 * @param onEnd is told of the end of each call over HTTP/2, and whether its client has reset it
 */
export function createStalledRequests(
  stillMs: number,
  onEnd: (session: Http2Session, isReset: boolean) => void,
): StalledRequests {
  const all = new Set<Watched>();

  function check(request: Watched, now: number): void {
    const { phase } = request;
    if (phase === "served") {
      request.waiting = undefined;
      return;
    }
    const { progress } = request;
    if (request.waiting?.phase !== phase) {
      request.waiting = { phase, since: now, progress, progressAt: now };
      return;
    }
    const { waiting } = request;
    if (progress !== waiting.progress) {
      waiting.progress = progress;
      waiting.progressAt = now;
    }
    const isStill = phase === "sending" && now - waiting.progressAt >= stillMs;
    if (isStill || now - waiting.since >= stillMs * wholeFactor) {
      request.cut();
    }
  }

  return {
    watchStream(stream) {
      const watched = new WatchedStream(stream);
      all.add(watched);
      stream.once("close", () => {
        all.delete(watched);
        if (watched.session !== undefined) {
          onEnd(watched.session, watched.isReset);
        }
      });
    },
    watchRequest(request, response) {
      const watched = new WatchedRequest(request, response);
      all.add(watched);
      response.once("close", () => all.delete(watched));
    },
    sweep(now) {
      for (const request of all) {
        check(request, now);
        if (request instanceof WatchedStream) {
          request.sweepLeftOver();
        }
      }
    },
  };
}

function phaseOf(answer: { writableEnded: boolean; headersSent: boolean }, isComplete: boolean): Phase {
  if (answer.writableEnded) {
    return "taking";
  }
  // Once it is being answered, a client may take its time: calls of reflection send when there is something to ask.
  return answer.headersSent || isComplete ? "served" : "sending";
}
