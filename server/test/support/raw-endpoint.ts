import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A request as it came: its head in latin1, and its body. */
export interface RawRequest {
  readonly head: string;
  readonly operation: string;
  readonly body: Buffer;
}

/** An endpoint that answers each request with bytes of the test's own, and closes the connection where they say so. */
export interface RawEndpoint {
  readonly endpoint: string;
  /** What came so far. */
  readonly requests: RawRequest[];
  /** What the next requests are answered with, in pieces or at once; undefined cuts the connection. */
  answer: (request: RawRequest) => Buffer | readonly Buffer[] | undefined;
  stop(): Promise<void>;
}

export async function startRawEndpoint(): Promise<RawEndpoint> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf("\r\n\r\n");
      const head = received.toString("latin1", 0, Math.max(0, end));
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      if (end === -1 || received.length < end + 4 + length) {
        return;
      }
      const body = received.subarray(end + 4, end + 4 + length);
      received = received.subarray(end + 4 + length);
      const operation = /^x-amz-target: *\w+\.(\w+)/im.exec(head)?.[1] ?? "";
      const request = { head, operation, body };
      requests.push(request);
      const answer = endpoint.answer(request);
      if (answer === undefined) {
        socket.destroy();
        return;
      }
      void writePieces(socket, Buffer.isBuffer(answer) ? [answer] : answer);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const endpoint: RawEndpoint = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: () => undefined,
    async stop() {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
  return endpoint;
}

async function writePieces(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  socket.setNoDelay(true);
  for (const piece of pieces) {
    socket.write(piece);
    // So that each comes by itself.
    await sleep(10);
  }
  if (/^connection: close/im.test(Buffer.concat(pieces).toString("latin1"))) {
    socket.end();
  }
}

export interface HttpParts {
  readonly status?: number;
  readonly type?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Bytes before the answer, such as an interim response. */
  readonly before?: string;
}

/** An answer in HTTP/1.1. By default it is a success of DynamoDB's. */
export function renderHttp(parts: HttpParts): Buffer {
  const { status = 200, headers = {}, body = "{}", before = "" } = parts;
  const type = "type" in parts ? parts.type : "application/x-amz-json-1.0";
  const bytes = Buffer.from(body);
  const lines = [
    `HTTP/1.1 ${status} Words`,
    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(status === 204 || status === 304 ? [] : [`Content-Length: ${bytes.length}`]),
  ];
  const head = Buffer.from(`${before}${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return status === 204 || status === 304 ? head : Buffer.concat([head, bytes]);
}
