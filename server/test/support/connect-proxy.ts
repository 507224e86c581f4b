import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { TestCertificate } from "./certificates.js";

/** An HTTP proxy that opens tunnels by CONNECT, and does nothing else. */
export interface ConnectProxy {
  readonly url: string;
  /** Where tunnels were asked for, such as `localhost:443`. */
  readonly tunnels: string[];
  /** The HTTP status of its answers; the default is 200. */
  status: number;
  /** The `Proxy-Authorization` of the last tunnel. */
  readonly authorization: () => string | undefined;
  stop(): Promise<void>;
}

export async function startConnectProxy(certificate?: TestCertificate): Promise<ConnectProxy> {
  const sockets = new Set<Socket>();
  let authorization: string | undefined;
  const server = certificate === undefined ? createServer() : createSecureServer({ ...certificate });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("connect", ({ url = "", headers }: IncomingMessage, socket: Socket) => {
    proxy.tunnels.push(url);
    authorization = headers["proxy-authorization"];
    socket.on("error", () => {});
    if (proxy.status !== 200) {
      socket.end(`HTTP/1.1 ${proxy.status} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${url}`);
    const target = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) }, () => {
      socket.write("HTTP/1.1 200 Connected\r\n\r\n");
      target.pipe(socket).pipe(target);
    });
    sockets.add(target);
    target.once("close", () => sockets.delete(target));
    target.on("error", () => socket.destroy());
    socket.on("close", () => target.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const proxy: ConnectProxy = {
    url: `${certificate === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels: [],
    status: 200,
    authorization: () => authorization,
    async stop() {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}
