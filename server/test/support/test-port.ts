import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Exchange, NodeRequest, NodeResponse } from "../../src/listener/exchange.js";
import { createPort, type Port, type PortOptions } from "../../src/listener/port.js";
import { countResources, waitForNoLeaks } from "./leaks.js";

export type RequestHandler = (request: NodeRequest, response: NodeResponse) => void;

export interface TestPort {
  readonly url: string;
  readonly number: number;
  readonly port: Port;
  /** A connection of raw bytes, from an address of this machine. */
  connect(localAddress?: string): Promise<RawConnection>;
}

/** A raw connection, and what came over it. */
export interface RawConnection {
  readonly socket: Socket;
  /** Everything received so far, as latin1. */
  received(): string;
  /** Resolves when the server has ended or reset the connection. */
  readonly closed: Promise<void>;
}

/** Runs `use` with a port that answers with `handler` or `routes`, closes it, and fails when anything is left open. */
export async function withPort(
  served: RequestHandler | { routes: (router: ConnectRouter) => void },
  use: (testPort: TestPort) => Promise<void>,
  options: Partial<Pick<PortOptions, "age" | "headTimeoutMs" | "limits" | "tls">> = {},
): Promise<void> {
  const before = countResources();
  const handler = typeof served === "function" ? served : connectNodeAdapter(served);
  const port = createPort({ onExchange: handledBy(handler), maxStreams: 100, ...options });
  const { port: number } = await port.listen("127.0.0.1", 0);
  const sockets: Socket[] = [];
  try {
    await use({
      url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${number}`,
      number,
      port,
      async connect(localAddress = "127.0.0.1") {
        const socket = connect({ host: "127.0.0.1", port: number, noDelay: true, localAddress });
        sockets.push(socket);
        const raw = readRaw(socket);
        // One that is refused may be reset before it is known to be open.
        await Promise.race([once(socket, "connect").catch(() => {}), raw.closed]);
        return raw;
      },
    });
  } finally {
    for (const socket of sockets) {
      socket.destroy();
    }
    await port.close(0);
  }
  if (port.connections > 0) {
    throw new Error(`${port.connections} connections left after close`);
  }
  await waitForNoLeaks(before);
}

/** Hands Node's request and response of every exchange on. What connect-node throws of a request without a valid host is its client's fault. */
export function handledBy(handler: RequestHandler): (exchange: Exchange) => void {
  return (exchange) => {
    const opened = exchange.open();
    try {
      if (opened !== undefined) {
        handler(opened.request, opened.response);
      }
    } catch {
      exchange.respond(400, {});
    }
  };
}

function readRaw(socket: Socket): RawConnection {
  let received = "";
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
  });
  // A reset is one of the ways in which a server closes a connection.
  socket.on("error", () => {});
  return {
    socket,
    received: () => received,
    closed: new Promise((resolve) => socket.once("close", () => resolve())),
  };
}
