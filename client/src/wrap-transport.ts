import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import { bearer } from "./arguments/client-options.js";
import type { ByteTransport } from "./byte-streams.js";
import { noteUnsent } from "./unsent.js";
import { untilAborted } from "./until-aborted.js";

/** A transport that sends a bearer token along, and sends nothing any more once its client is closed. */
export function wrapTransport(
  transport: ByteTransport,
  token: string | (() => string | Promise<string>) | undefined,
  isClosed: () => boolean,
): ByteTransport {
  async function prepare(given: CallOptions["headers"], signal: AbortSignal | undefined): Promise<Headers | undefined> {
    if (token === undefined && given === undefined && !isClosed()) {
      // A Headers object costs several percent of a call.
      return undefined;
    }
    const headers = new Headers(given);
    if (token !== undefined) {
      // Renewing the token may outlast the call.
      const renewed = typeof token === "function" ? await untilAborted(signal, Promise.resolve(token())) : token;
      headers.set("authorization", `Bearer ${bearer("the token", renewed)}`);
    }
    // Transports would open a connection again that was closed.
    if (isClosed()) {
      throw new ConnectError("the client is closed", Code.Canceled);
    }
    return headers;
  }

  const { streamBytes } = transport;
  return {
    ...(streamBytes !== undefined && {
      streamBytes: async (method, signal, timeoutMs, headers, input) =>
        streamBytes(method, signal, timeoutMs, await prepare(headers, signal), input),
    }),
    async unary(method, signal, timeoutMs, headers, input, contextValues) {
      let prepared: Headers | undefined;
      try {
        prepared = await prepare(headers, signal);
      } catch (error) {
        noteUnsent(input);
        throw error;
      }
      return transport.unary(method, signal, timeoutMs, prepared, input, contextValues);
    },
    async stream(method, signal, timeoutMs, headers, input, contextValues) {
      return transport.stream(method, signal, timeoutMs, await prepare(headers, signal), input, contextValues);
    },
  };
}
