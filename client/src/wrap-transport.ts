import { type CallOptions, Code, ConnectError, type Transport } from "@connectrpc/connect";

/** A transport that sends a bearer token along, and sends nothing any more once its client is closed. */
export function wrapTransport(
  transport: Transport,
  token: string | (() => string | Promise<string>) | undefined,
  isClosed: () => boolean,
): Transport {
  async function prepare(given: CallOptions["headers"]): Promise<Headers> {
    const headers = new Headers(given);
    if (token !== undefined) {
      const bearer = typeof token === "function" ? await token() : token;
      // Here, for what Headers throws would show it.
      if (!/^[\x21-\x7e]+$/.test(bearer)) {
        throw new TypeError("the token is not one word of ASCII, and cannot be sent");
      }
      headers.set("authorization", `Bearer ${bearer}`);
    }
    // Transports would open a connection again that was closed.
    if (isClosed()) {
      throw new ConnectError("the client is closed", Code.Canceled);
    }
    return headers;
  }

  return {
    async unary(method, signal, timeoutMs, headers, input, contextValues) {
      return transport.unary(method, signal, timeoutMs, await prepare(headers), input, contextValues);
    },
    async stream(method, signal, timeoutMs, headers, input, contextValues) {
      return transport.stream(method, signal, timeoutMs, await prepare(headers), input, contextValues);
    },
  };
}
