import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface AdminPortOptions {
  /** The page of metrics, as Prometheus reads it. */
  readonly metrics: () => Promise<string>;
  readonly metricsType: string;
  /** Returns true if calls can be served. */
  readonly isReady: () => boolean | Promise<boolean>;
}

/** A port for those who watch the server. It shows no key, no value and no secret, and changes nothing. */
export interface AdminPort {
  /** Port 0 picks a free one. Rejects if the address cannot be had. */
  listen(host: string, port: number): Promise<AddressInfo>;
  close(): Promise<void>;
}

/** Prometheus asks with one connection, and probes with a few. */
const maxConnections = 64;
const maxHeaderBytes = 8192;
/** Longest time that a request may take to come, an answer to go, and a connection to be of no use. */
const timeoutMs = 10_000;

/**
 * Serves `/metrics`; `/healthz`, which says that the process lives whatever DynamoDB does; and `/readyz`, which says whether it can
 * serve calls. A server of its own, so that neither a flood of calls nor what is wrong with one keeps anybody from looking.
 */
export function createAdminPort({ metrics, metricsType, isReady }: AdminPortOptions): AdminPort {
  let page: Promise<string> | undefined;

  /** Those who ask while a page is made get the same one. */
  function readPage(): Promise<string> {
    page ??= metrics().finally(() => {
      page = undefined;
    });
    return page;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      send(response, 405, "only GET is served here\n");
      return;
    }
    switch (request.url?.split("?", 1)[0]) {
      case "/metrics":
        send(response, 200, await readPage(), metricsType);
        return;
      case "/healthz":
        send(response, 200, "alive\n");
        return;
      case "/readyz": {
        const ready = await isReady();
        send(response, ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
        return;
      }
      default:
        send(response, 404, "there are /metrics, /healthz and /readyz\n");
    }
  }

  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      keepAliveTimeout: timeoutMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      // Nobody has a body to send here: the connection ends with the answer.
      if (request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined) {
        response.setHeader("connection", "close");
      }
      request.resume();
      answer(request, response).catch(() => send(response, 500, "failed to render the page\n"));
    },
  );
  server.maxConnections = maxConnections;
  // A client that does not take its answer.
  server.setTimeout(timeoutMs);

  return {
    async listen(host, port) {
      server.listen({ host, port });
      await once(server, "listening");
      // From now on it is a connection that could not be accepted. The next one may be.
      server.on("error", () => {});
      return server.address() as AddressInfo;
    },
    async close() {
      if (!server.listening) {
        return;
      }
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // Node leaves the body out of the answer to a HEAD.
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(text);
}
