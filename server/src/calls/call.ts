import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { DescMethod } from "@bufbuild/protobuf";
import {
  type Code,
  type ConnectError,
  type ContextValues,
  createContextKey,
  createContextValues,
} from "@connectrpc/connect";
import type { DynakvError } from "../errors/dynakv-error.js";
import { initiatorKey } from "../service/initiator.js";
import { anyone, type Principal, principalKey } from "../service/principal.js";
import { requestIdHeader } from "./header-names.js";
import type { LargeBytes } from "./json/large-bytes.js";
import { type WireForm, wireFormOf } from "./wire-form.js";

/** The head of a call. */
export interface CallHead {
  /** The path of its URL, without a query. */
  readonly path: string;
  /** The HTTP method, such as `POST`. */
  readonly httpMethod: string;
  /** Undefined when the path is that of no RPC. */
  readonly method: DescMethod | undefined;
  readonly headers: IncomingHttpHeaders;
  /** The connection that it came by. Those of HTTP/2 carry many calls. */
  readonly socket: Socket;
}

/** The protocols in which calls come: plain JSON and GET are of Connect. */
export type CallProtocol = "grpc" | "grpc-web" | "connect";

/** One call, from its head to its end, whatever the protocol. */
export class Call implements CallHead {
  readonly path: string;
  readonly httpMethod: string;
  readonly method: DescMethod | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
  readonly form: WireForm;
  /** The address that it comes from: the last proxy's, if there are any. */
  readonly remote: string | undefined;
  /** As performance.now has it. */
  readonly startedAt = performance.now();
  /** True if anybody may make it, whoever may call methods: it is for a page of the console. */
  isPublic = false;
  /** The principal, once authenticated. */
  caller: Principal = anyone;
  /** The caller's deadline, from its start, in milliseconds, as far as the server serves it; undefined when it sets none. */
  timeoutMs: number | undefined;
  /** True if the caller has set a longer one. */
  isDeadlineShortened = false;
  /** True if Connect has let it through to the service. */
  hasReachedService = false;
  /** The error response, if any. */
  error: ConnectError | undefined;
  /** The underlying failure, for the log only: its message may hold anything. */
  failure: unknown;
  /** The reason in the details of the error, such as `THROTTLED`, if it has one. */
  reason: string | undefined;
  /** The keys that it names, once its body is read. */
  keys: readonly string[] | undefined;
  /** The elements of the list in its request, such as the keys of an MGet, when they were decoded apart, and the field's name. */
  decodedList: { readonly name: string; readonly elements: readonly unknown[] } | undefined;
  /** What is to be put into the JSON of its answer. */
  largeBytes: LargeBytes | undefined;
  /** The bytes of its body and of its answer's, without heads and trailers. */
  requestBytes = 0;
  responseBytes = 0;
  /** The memory that its body takes: more than its bytes, where they come one by one. */
  requestMemory = 0;
  /** True if its DynamoDB requests are observed. */
  isWatched = false;
  /** Ends it in favour of others, since its client keeps them waiting. */
  giveWay: ((error: DynakvError) => void) | undefined;
  /** Set when reading its body has to stop, because the memory limit is reached. */
  bodyRefusal: DynakvError | undefined;
  /** Trailers beside the service's own. */
  trailers: (() => Readonly<Record<string, string>>) | undefined;
  /** Is told when an answer that streams waits for its client to take what was sent, and when it goes on. */
  onStall: ((isStalled: boolean) => void) | undefined;
  private knownId: string | undefined;
  private readonly leaving: ((call: Call) => void)[] = [];
  private readonly releasing: (() => void)[] = [];
  private hasEnded = false;
  private hasReleased = false;

  constructor({ path, httpMethod, method, headers, socket }: CallHead) {
    this.path = path;
    this.httpMethod = httpMethod;
    this.method = method;
    this.headers = headers;
    this.socket = socket;
    this.form = wireFormOf(headers["content-type"], httpMethod, method);
    this.remote = remoteOf(socket);
  }

  /**
   * The id by which both sides can find it in their logs: the caller's `x-request-id` if that has the form of one, or a new one.
   * Answers carry it when the caller has sent it, and errors that have a line in the log. Elsewhere it would cost a tenth of a whole call.
   */
  get id(): string {
    this.knownId ??= this.sentId ?? randomUUID();
    return this.knownId;
  }

  /** The id that the caller has sent. */
  get sentId(): string | undefined {
    return readId(this.headers[requestIdHeader]);
  }

  /** Has it called when the call ends: the last to come is called first. At once if it has ended. */
  onEnd(leave: (call: Call) => void): void {
    if (this.hasEnded) {
      leave(this);
    } else {
      this.leaving.push(leave);
    }
  }

  /** Has it called when nothing is held for the call any more: at its end, or later, when its client has taken the answer. */
  onRelease(release: () => void): void {
    this.releasing.push(release);
  }

  /** Returns true if nothing is held for it any more. */
  get isReleased(): boolean {
    return this.hasReleased;
  }

  get ended(): boolean {
    return this.hasEnded;
  }

  /** Its client has left. That counts only if it was not answered. */
  leave(error: ConnectError): void {
    if (this.error === undefined) {
      this.error = error;
      this.reason = "CANCELED";
    }
  }

  /** The call was answered, or its client has left. Only the first time counts. */
  end(): void {
    this.answer();
    this.release();
  }

  /** The same, but the answer is still held: `release` has to follow. */
  answer(): void {
    if (!this.hasEnded) {
      this.hasEnded = true;
      // Who waits for its client is woken when that has left, and does not go on.
      this.onStall = undefined;
      for (let leave = this.leaving.pop(); leave !== undefined; leave = this.leaving.pop()) {
        leave(this);
      }
    }
  }

  /** Nothing is held for it any more. */
  release(): void {
    this.hasReleased = true;
    for (let release = this.releasing.pop(); release !== undefined; release = this.releasing.pop()) {
      release();
    }
  }

  /** Context values for the service. */
  contextValues(): ContextValues {
    const values = createContextValues().set(callKey, this).set(principalKey, this.caller);
    return this.isWatched ? values.set(initiatorKey, this) : values;
  }

  get protocol(): CallProtocol {
    switch (this.form) {
      case "grpc":
      case "grpc-web":
        return this.form;
      case "grpc-web-text":
        return "grpc-web";
      default:
        return "connect";
    }
  }

  get status(): Code | "ok" {
    return this.error?.code ?? "ok";
  }
}

/** Context key of the current call. */
export const callKey = createContextKey<Call | undefined>(undefined, { description: "the call" });

/** Anything else might be made to break a log. */
function readId(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" && /^[\w.:/+=-]{1,128}$/.test(header) ? header : undefined;
}

/** Asked at once: once an HTTP/2 connection is lost, its socket throws whatever it is asked. */
function remoteOf(socket: Socket): string | undefined {
  try {
    return socket.remoteAddress;
  } catch {
    return undefined;
  }
}
