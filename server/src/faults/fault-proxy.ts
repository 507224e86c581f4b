import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { applyFault, createAnswer, firstHalf, type Outcome } from "./apply-fault.js";
import { createFaultChooser, type Decide, type FaultLogEntry, type FaultRate } from "./choose-fault.js";
import type { Fault } from "./fault.js";
import { type Answer, createTarget, readBody, TargetError } from "./target.js";

export interface FaultProxyOptions {
  /** The URL of the DynamoDB endpoint, such as `http://127.0.0.1:8000`. */
  target: string;
  /**
   * Seed of the random faults, an integer from 0 to 2^53-1; the default is random. With the same
   * seed and rates, the n-th request of an operation always meets the same fault, whatever other requests there are.
   */
  seed?: number;
  /** Random faults and their rates; the default is none. */
  rates?: readonly FaultRate[];
  /** Chooses the fault of each request; the default leaves it to the rates. */
  decide?: Decide;
}

/** Stands between a client and a DynamoDB endpoint, and spoils the requests and answers that it is told to. */
export interface FaultProxy {
  /** Endpoint of the proxy: a free port of 127.0.0.1. */
  readonly endpoint: string;
  /** Seed of the random faults. A failing test should print it. */
  readonly seed: number;
  /** The last 10,000 requests that were not just forwarded, in the order in which their faults were chosen. */
  readonly log: readonly FaultLogEntry[];
  /** Requests by operation. `clear()` counts from 1 again. */
  readonly requests: Map<string, number>;
  /** Chooses the fault of each request; undefined leaves all to the rates. */
  decide: Decide | undefined;
  /** Replaces the rates. Throws a RangeError or TypeError for rates and faults that cannot be. */
  setRates(rates: readonly FaultRate[]): void;
  /**
   * Lets the next so many requests of an operation meet a fault, before decide and the rates are asked. A second call for
   * the same operation replaces what is left of the first.
   */
  failNext(operation: string, times: number, fault: Fault): void;
  /**
   * Begins or ends an outage. With `true` or the mode `reset`, all connections are reset, and new ones too. In the mode
   * `hang`, connections are made, and nothing is answered on them, not even what was asked before; what was asked in such
   * an outage stays unanswered after it. Requests in an outage are neither counted nor logged.
   */
  outage(on: boolean | { mode: "reset" | "hang" }): void;
  /** Forwards everything from here on: ends an outage, forgets decide, failNext and rates, and empties log and requests. */
  reset(): void;
  /** Closes the port and all connections, and drops what is held. May be called more than once. */
  stop(): Promise<void>;
}

/** Longer than clients keep theirs, because a request that is sent just as the proxy closes its connection is lost. */
const keepAliveTimeoutMs = 65_000;

/**
 * Starts a proxy. Rejects with a TypeError or RangeError when an option is not what it must be.
 *
 * Requests go on with the client's signature and Host. Engines that check signatures refuse those that a fault has changed.
 */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const seed = options.seed ?? randomInt(2 ** 32);
  if (!(Number.isSafeInteger(seed) && seed >= 0)) {
    throw new RangeError(`seed is ${seed}, which is not a whole number from 0 to 2^53-1`);
  }
  const chooser = createFaultChooser(seed, options.rates ?? []);
  const target = createTarget(parseTarget(options.target));
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs });
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let outage: "none" | "reset" | "hang" = "none";
  let stopped: Promise<void> | undefined;

  server.on("connection", (socket) => {
    if (outage === "reset") {
      socket.resetAndDestroy();
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });

  server.on("request", (incoming, response) => {
    // A client may leave at any time.
    incoming.on("error", () => {});
    response.on("error", () => {});
    if (outage === "none") {
      exchange(incoming, response).catch(() => cut(incoming));
    }
  });

  async function exchange(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const outcome = await findOutcome(incoming);
    if (outage === "hang" || response.destroyed) {
      return;
    }
    switch (outcome.kind) {
      case "cut":
        cut(incoming);
        break;
      case "hang":
        break;
      case "send":
        sendHead(response, outcome.answer);
        response.end(outcome.answer.body);
        break;
      case "send-half":
        sendHead(response, outcome.answer);
        response.flushHeaders();
        response.write(firstHalf(outcome.answer.body), () => cut(incoming));
        break;
    }
  }

  async function findOutcome(incoming: IncomingMessage): Promise<Outcome> {
    const { method = "POST", url: path = "/", rawHeaders } = incoming;
    const operation = String(incoming.headers["x-amz-target"] ?? "").replace(/^.*\./, "");
    const body = await readBody(incoming);
    try {
      const fault = await chooser.choose(operation, body, proxy.decide);
      return await applyFault(fault, {
        operation,
        request: { method, path, rawHeaders, body },
        ask: target.ask,
        sleep,
      });
    } catch (error) {
      return error instanceof TargetError ? { kind: "cut" } : { kind: "send", answer: describeDefect(error) };
    }
  }

  /** Resolves after so long; never when the proxy stops before. */
  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (stopped === undefined) {
        const timer = setTimeout(() => {
          timers.delete(timer);
          resolve();
        }, ms);
        timers.add(timer);
      }
    });
  }

  async function stop(): Promise<void> {
    for (const timer of timers) {
      clearTimeout(timer);
    }
    target.close();
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) {
      socket.destroy();
    }
    await closed;
  }

  await once(server.listen(0, "127.0.0.1"), "listening");
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seed,
    log: chooser.log,
    requests: chooser.requests,
    decide: options.decide,
    setRates: chooser.setRates,
    failNext: chooser.failNext,
    outage(on) {
      outage = typeof on === "object" ? on.mode : on ? "reset" : "none";
      if (outage === "reset") {
        for (const socket of sockets) {
          socket.resetAndDestroy();
        }
      }
    },
    reset() {
      outage = "none";
      proxy.decide = undefined;
      chooser.reset();
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
  return proxy;
}

function parseTarget(target: string): URL {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new TypeError(`target is '${target}', which is not the URL of an endpoint, such as http://127.0.0.1:8000`);
  }
  return url;
}

function cut(incoming: IncomingMessage): void {
  incoming.socket.destroy();
}

function sendHead(response: ServerResponse, { status, statusMessage, rawHeaders, body }: Answer): void {
  // The date is the engine's.
  response.sendDate = false;
  const isFramed = rawHeaders.some((name, at) => at % 2 === 0 && name.toLowerCase() === "content-length");
  const headers = isFramed || body.length === 0 ? rawHeaders : [...rawHeaders, "Content-Length", String(body.length)];
  response.writeHead(status, statusMessage, headers as string[]);
}

/** Response when a test's own function throws or returns no fault; not retryable. */
function describeDefect(error: unknown): Answer {
  const message = error instanceof Error ? error.message : String(error);
  return createAnswer(400, { __type: "dynakv.faults#FaultProxyError", message });
}
