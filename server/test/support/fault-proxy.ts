import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the proxy does with one request. */
export type Fault =
  /** Hands it on, and the answer back. */
  | "forward"
  /** Lets the engine carry it out, and cuts the connection before the answer. */
  | "lose-answer"
  /** Cuts the connection before the engine sees anything. */
  | "refuse"
  /** Never answers, and never asks. */
  | "hang"
  /** Answers in the engine's place. */
  | { status: number; body: object }
  /** Hands it on changed, and the answer back changed. */
  | { rewrite: (request: Buffer) => Buffer; answer?: (body: Buffer) => Buffer };

/** One request on its way to the engine. */
export interface ProxiedRequest {
  /** The operation, such as `UpdateItem`. */
  readonly operation: string;
  readonly body: Buffer;
}

/** Stands between a server and its engine, and spoils what a test tells it to. */
export interface FaultProxy {
  readonly endpoint: string;
  /** How many requests came for each operation. */
  readonly requests: Map<string, number>;
  /** Decides over each request. */
  decide: (request: ProxiedRequest) => Fault;
  stop(): Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const requests = new Map<string, number>();
  const server = createServer(async (incoming, response) => {
    const body = await readBody(incoming);
    const operation = String(incoming.headers["x-amz-target"]).split(".").pop() ?? "";
    requests.set(operation, (requests.get(operation) ?? 0) + 1);
    const fault = proxy.decide({ operation, body });
    if (fault === "hang") {
      return;
    }
    if (fault === "refuse") {
      incoming.socket.destroy();
      return;
    }
    if (typeof fault === "object" && "status" in fault) {
      response.writeHead(fault.status, { "content-type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify(fault.body));
      return;
    }
    const rewritten = typeof fault === "object" ? fault.rewrite(body) : body;
    forward(
      target,
      incoming,
      rewritten,
      (status, headers, answer) => {
        if (fault === "lose-answer") {
          incoming.socket.destroy();
          return;
        }
        const changed = typeof fault === "object" && fault.answer !== undefined ? fault.answer(answer) : answer;
        delete headers["x-amz-crc32"];
        response.writeHead(status, { ...headers, "content-length": changed.length });
        response.end(changed);
      },
      response,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    decide: () => "forward",
    stop() {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}

function forward(
  target: string,
  incoming: IncomingMessage,
  body: Buffer,
  done: (status: number, headers: IncomingMessage["headers"], answer: Buffer) => void,
  response: ServerResponse,
): void {
  const outgoing = request(
    target,
    { method: "POST", headers: { ...incoming.headers, "content-length": body.length }, agent: false },
    async (answer) =>
      done(answer.statusCode ?? 500, { ...answer.headers, connection: "keep-alive" }, await readBody(answer)),
  );
  outgoing.on("error", () => response.destroy());
  outgoing.end(body);
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
