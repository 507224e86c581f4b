import { once } from "node:events";
import { createServer as createHttpServer, request } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { TestCertificate } from "./certificates.js";

/** How a connection ends before its TLS handshake is done. */
export const handshakeBreaks = [
  "at once",
  "reset at once",
  "after the hello",
  "reset after the hello",
  "in the answer",
  "never",
] as const;
export type HandshakeBreak = (typeof handshakeBreaks)[number];

/** An engine's endpoint over TLS, whose handshakes can be broken. */
export interface SecureEndpoint {
  readonly endpoint: string;
  readonly port: number;
  /** How many requests have come. */
  requests(): number;
  /** How many connections there were. */
  connections(): number;
  /** Breaks the handshakes of the next so many connections. */
  breakNext(times: number, how: HandshakeBreak): void;
  /** Cuts all connections, so that the next requests need new ones. */
  cut(): void;
  stop(): Promise<void>;
}

export async function startSecureEndpoint(target: string, certificate: TestCertificate): Promise<SecureEndpoint> {
  let requests = 0;
  let connections = 0;
  let broken: { left: number; how: HandshakeBreak } = { left: 0, how: "at once" };
  const sockets = new Set<Socket>();
  const relay = createHttpServer((incoming, response) => {
    requests++;
    const { method, headers } = incoming;
    const outgoing = request(target, { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
  });
  const secure = createTlsServer(certificate, (socket) => relay.emit("connection", socket));
  secure.on("tlsClientError", () => {});
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    if (broken.left > 0) {
      broken.left--;
      breakHandshake(socket, broken.how);
    } else {
      secure.emit("connection", socket);
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of sockets) {
      socket.destroy();
    }
  };
  return {
    endpoint: `https://localhost:${port}`,
    port,
    requests: () => requests,
    connections: () => connections,
    breakNext(times, how) {
      broken = { left: times, how };
    },
    cut,
    async stop() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

function breakHandshake(socket: Socket, how: HandshakeBreak): void {
  switch (how) {
    case "at once":
      socket.destroy();
      break;
    case "reset at once":
      socket.resetAndDestroy();
      break;
    case "after the hello":
      socket.once("data", () => socket.end());
      break;
    case "reset after the hello":
      socket.once("data", () => socket.resetAndDestroy());
      break;
    case "never":
      break;
    case "in the answer":
      // The head of a record of the handshake, of which nothing follows.
      socket.once("data", () => socket.end(Buffer.from([0x16, 0x03, 0x03, 0x00, 0x7a, 0x02])));
      break;
  }
}
