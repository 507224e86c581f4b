import { Code, ConnectError } from "@connectrpc/connect";

/** OpenSSL's names and words for what is no record of TLS. */
const notTls = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|wrong version number|packet length too long/;

/** Why there is no connection, with what to do where the address has the wrong scheme. */
export function explainNoConnection(authority: string, cause: Error | undefined): ConnectError {
  const { protocol, host } = new URL(authority);
  const explained = protocol === "https:" ? explainTls(cause) : explainPlain(cause);
  return new ConnectError(
    `no connection to ${host}: ${explained ?? messageOf(cause)}`,
    Code.Unavailable,
    undefined,
    undefined,
    cause,
  );
}

function explainTls(cause: Error | undefined): string | undefined {
  const { code, message = "" } = (cause ?? {}) as { code?: unknown; message?: string };
  if (notTls.test(message) || notTls.test(String(code))) {
    return "what listens there does not speak TLS; use an address of http:, or a port with TLS";
  }
  if (cause === undefined || message.includes("before secure TLS connection was established")) {
    return "the connection was closed in the TLS handshake; if the port is one without TLS, use an address of http:";
  }
  return undefined;
}

function explainPlain(cause: Error | undefined): string | undefined {
  if (cause === undefined || String((cause as { code?: unknown }).code).startsWith("ERR_HTTP2")) {
    return "what listens there does not speak HTTP/2 without TLS; if the port is one with TLS, use an address of https:";
  }
  return undefined;
}

/** An error of several addresses has no message of its own. */
function messageOf(cause: Error | undefined): string {
  const errors = cause instanceof AggregateError ? cause.errors : [cause];
  return errors.map((error) => (error instanceof Error ? error.message : "it was closed")).join("; ");
}
