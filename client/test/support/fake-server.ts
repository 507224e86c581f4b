import { randomBytes } from "node:crypto";
import * as http from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  BadRequestSchema,
  ErrorDetailSchema,
  ErrorReason,
  InfoService,
  KeyValueService,
  MGetResponseSchema,
  Outcome,
  RetryInfoSchema,
} from "../../src/schema.js";

/** Keys at which the fake service behaves in a way that a test asks for. */
export const keys = {
  /** Never answers; the call ends by its signal. */
  silent: "silent",
  /** mGet: results without an end, 64 KiB each. */
  endless: "endless",
  /** Fails with every kind of detail. */
  conflict: "conflict",
  /** mGet: fails after the results of the keys before it were read. */
  broken: "broken",
};

/** What the fake service saw. */
export interface Observed {
  /** The codes with which the signals of calls ended, but for calls that completed. */
  readonly ended: Code[];
  /** How many messages `endless` has made. */
  produced: number;
  /** The headers of the last call. */
  header: Headers;
  /** The time that the last call had left when it came, in milliseconds. */
  timeoutMs: number | undefined;
}

/** A server with a KeyValueService that only pretends: the transports are under test, not the service. */
export interface FakeServer {
  readonly observed: Observed;
  readonly http1Url: string;
  readonly http2Url: string;
  /** `host:port` of the HTTP/2 server. */
  readonly address: string;
  /** How many connections are open. */
  connections(): number;
  stop(): Promise<void>;
}

export async function startFakeServer(): Promise<FakeServer> {
  const observed: Observed = { ended: [], produced: 0, header: new Headers(), timeoutMs: undefined };
  const handler = connectNodeAdapter({ routes: (router) => routeFakeServices(router, observed) });
  const http1 = http.createServer(handler);
  const plain = http2.createServer(handler);
  const sockets = new Set<Socket>();
  const urls = await Promise.all([http1, plain].map((server) => listen(server, sockets)));
  const [http1Url = "", http2Url = ""] = urls;
  return {
    observed,
    http1Url,
    http2Url,
    address: new URL(http2Url).host,
    connections: () => sockets.size,
    async stop() {
      for (const socket of sockets) {
        socket.destroy();
      }
      await Promise.all([http1, plain].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

function listen(server: Server, sockets: Set<Socket>): Promise<string> {
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      resolve(`http://127.0.0.1:${port}`);
    });
  });
}

function routeFakeServices(router: ConnectRouter, observed: Observed): void {
  const values = new Map<string, Uint8Array>();

  function observe(context: HandlerContext): void {
    observed.header = context.requestHeader;
    observed.timeoutMs = context.timeoutMs();
    context.responseHeader.set("from-header", "h");
    context.responseHeader.set("from-header-bin", "AAH/");
    context.responseTrailer.set("from-trailer", "t");
  }

  // A signal aborts when its call completes, too; only these waits know that theirs did not.
  function untilAborted({ signal }: HandlerContext): Promise<never> {
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        observed.ended.push(ConnectError.from(signal.reason).code);
        reject(signal.reason);
      });
    });
  }

  router.service(KeyValueService, {
    async get({ key }, context) {
      observe(context);
      if (key === keys.silent) {
        return untilAborted(context);
      }
      if (key === keys.conflict) {
        throw conflict();
      }
      const value = values.get(key);
      return value === undefined ? {} : { entry: { data: { case: "value", value }, etag: "1" } };
    },
    set({ key, value }, context) {
      observe(context);
      values.set(key, value);
      return { etag: "1" };
    },
    async *mGet(request, context) {
      observe(context);
      for (const [index, key] of request.keys.entries()) {
        if (key === keys.silent) {
          await untilAborted(context);
        }
        if (key === keys.conflict || key === keys.broken) {
          throw conflict();
        }
        if (key === keys.endless) {
          // Not awaited: a generator that waits for its reader is not resumed when the reader leaves.
          untilAborted(context).catch(() => {});
          // Random, so that what is compressed is as long.
          const data = { case: "value" as const, value: randomBytes(64 * 1024) };
          while (!context.signal.aborted) {
            observed.produced++;
            yield create(MGetResponseSchema, { results: [{ index, key, result: { case: "entry", value: { data } } }] });
          }
        }
        const value = values.get(key);
        yield value === undefined
          ? { results: [{ index, key, result: { case: "missing", value: {} } }] }
          : { results: [{ index, key, result: { case: "entry", value: { data: { case: "value", value } } } }] };
      }
    },
    delete: ({ key }) => ({ existed: values.delete(key) }),
    touch: ({ key }) => ({ existed: values.has(key) }),
    incr: ({ delta }) => ({ value: delta ?? 1n }),
  });
  router.service(InfoService, { getInfo: () => ({ version: "fake" }) });
}

function conflict(): ConnectError {
  const error = new ConnectError("the etag differs: 100 % of it", Code.Aborted, { "from-error": "e" });
  error.details = [
    {
      desc: ErrorDetailSchema,
      value: { reason: ErrorReason.ETAG_MISMATCH, outcome: Outcome.NOT_APPLIED, currentEtag: "2" },
    },
    { desc: BadRequestSchema, value: { fieldViolations: [{ field: "condition.if_etag" }] } },
    { desc: RetryInfoSchema, value: { retryDelay: { seconds: 3n } } },
  ];
  return error;
}
