import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import { rootCertificates } from "node:tls";
import type { Network } from "./network.js";

export interface TunnelOptions {
  readonly proxy: URL;
  readonly host: string;
  readonly port: number;
  readonly network: Network;
  readonly timeoutMs: number;
}

/** Opens a connection to a host through an HTTP proxy, by CONNECT (RFC 9110, 9.3.6). Nothing has been sent to the host then. */
export function openTunnel({ proxy, host, port, network, timeoutMs }: TunnelOptions): Promise<Socket> {
  const { pem } = network.authorities;
  const target = `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
  const isSecure = proxy.protocol === "https:";
  const request = (isSecure ? requestHttps : requestHttp)({
    method: "CONNECT",
    host: proxy.hostname.replace(/^\[|\]$/g, ""),
    port: proxy.port || (isSecure ? 443 : 80),
    path: target,
    headers: { host: target, ...authorization(proxy) },
    agent: false,
    timeout: timeoutMs,
    // A proxy over TLS may be known by the same authorities as AWS, or by the usual ones.
    ...(isSecure && pem !== undefined ? { ca: [...rootCertificates, pem] } : {}),
  });
  return new Promise((resolve, reject) => {
    request.once("connect", (answer, socket, head) => {
      if (answer.statusCode !== 200) {
        socket.destroy();
        reject(proxyError(`the proxy refuses to connect, with HTTP status ${answer.statusCode}`));
        return;
      }
      if (head.length > 0) {
        socket.unshift(head);
      }
      socket.setTimeout(0);
      resolve(socket as Socket);
    });
    request.once("timeout", () => request.destroy(proxyError("the proxy does not answer")));
    request.once("error", reject);
    request.end();
  });
}

function proxyError(message: string): Error {
  return Object.assign(new Error(message), { code: "EPROXY" });
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") {
    return {};
  }
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}
