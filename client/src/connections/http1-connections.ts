import * as http from "node:http";
import * as https from "node:https";
import type { Socket } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Silence } from "../silence.js";
import type { TlsOptions } from "../tls-options.js";
import { noteSent, noteUnsent } from "../unsent.js";

/** The connections of HTTP/1.1 to one server: each running call has one. */
export interface Http1Connections {
  readonly agent: http.Agent;
  /** Notes of a request that it is not sent as long as there is no connection. */
  begin(request: object): void;
  /** Closes those that wait for their next call. */
  closeIdle(): void;
}

export function createHttp1Connections(
  scheme: string,
  { intervalMs, timeoutMs }: Silence,
  tls: TlsOptions | undefined,
): Http1Connections {
  const isEncrypted = scheme === "https:";
  const { Agent } = isEncrypted ? https : http;
  const agent = new Agent({ keepAlive: true, ...tls });
  const up = new Set<Socket>();
  const waiting = new Set<object>();
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (...args) => {
    const socket = create(...args) as Socket;
    const late = () => {
      const error = new ConnectError(`no connection within ${intervalMs + timeoutMs} ms`, Code.Unavailable);
      socket.destroy(Object.assign(error, { syscall: "connect" }));
    };
    const timer = setTimeout(late, intervalMs + timeoutMs).unref();
    socket.once(isEncrypted ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      up.add(socket);
      for (const request of waiting) {
        noteSent(request);
      }
      waiting.clear();
    });
    socket.once("close", () => {
      clearTimeout(timer);
      up.delete(socket);
    });
    return socket;
  };
  return {
    agent,
    begin(request) {
      if (up.size === 0) {
        waiting.add(noteUnsent(request));
      }
    },
    closeIdle() {
      for (const sockets of Object.values(agent.freeSockets)) {
        for (const socket of sockets ?? []) {
          socket.destroy();
        }
      }
    },
  };
}
