import type { Socket } from "node:net";
import type { buildConnector } from "undici";
import build from "undici/lib/core/connect.js";
import type { Network } from "./network.js";
import { openTunnel } from "./tunnel.js";

/** Makes undici's connections: through the proxy, and to the authorities, that the network has. */
export function createConnector(network: Network, timeoutMs: number): buildConnector.connector {
  const { pem: ca } = network.authorities;
  const connect = build({ timeout: timeoutMs, ...(ca === undefined ? {} : { ca }) });
  return (options, callback) => {
    const done: buildConnector.Callback = (...result) => {
      // With an error it is left out, whatever the types say.
      if (result[1]) {
        dropContinues(result[1]);
      }
      callback(...result);
    };
    const port = Number(options.port || 443);
    const proxy = options.protocol === "https:" ? network.proxies.find(options.hostname, port) : undefined;
    if (proxy === undefined) {
      connect(options, done);
      return;
    }
    openTunnel({ proxy, host: options.hostname, port, network, timeoutMs }).then(
      (httpSocket) => connect({ ...options, httpSocket }, done),
      (error: Error) => callback(error, null),
    );
  };
}

const continueStart = Buffer.from("HTTP/1.1 100");
const headEnd = Buffer.from("\r\n\r\n");

/**
 * Takes every `100 Continue` out of what a socket receives: undici cuts the connection when one comes that it has not asked for
 * (https://github.com/nodejs/undici/blob/v6.x/lib/dispatcher/client-h1.js), though any client must bear it (RFC 9110, 15.2).
 * No answer of DynamoDB's has this at the start of a chunk: JSON has no line ends within its texts.
 */
function dropContinues(socket: Socket): void {
  const read = socket.read;
  /** One that has not come whole yet. */
  let held: Buffer | undefined;
  socket.read = (size?: number) => {
    for (;;) {
      let chunk: Buffer | null = read.call(socket, size);
      if (chunk !== null && held !== undefined) {
        chunk = Buffer.concat([held, chunk]);
        held = undefined;
      }
      if (chunk === null || chunk[0] !== continueStart[0] || chunk[9] !== continueStart[9]) {
        return chunk;
      }
      const rest = withoutContinues(chunk);
      if (rest.length > 0 && !isContinue(rest)) {
        return rest;
      }
      held = rest.length > 0 ? rest : undefined;
    }
  };
}

function isContinue(bytes: Buffer): boolean {
  return bytes.subarray(0, continueStart.length).equals(continueStart);
}

function withoutContinues(chunk: Buffer): Buffer {
  let rest = chunk;
  while (isContinue(rest)) {
    const end = rest.indexOf(headEnd);
    if (end === -1) {
      return rest;
    }
    rest = rest.subarray(end + headEnd.length);
  }
  return rest;
}
