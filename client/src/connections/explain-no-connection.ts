import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";

/** The words of Node, OpenSSL and @grpc/grpc-js for what is no record of TLS, and for who closes a connection instead of one. */
const notTls =
  /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|wrong version number|packet length too long|before secure TLS connection was established/;
/** The same for what is no answer of HTTP. */
const notPlain = /ERR_HTTP2|HPE_INVALID|Expected HTTP\/|socket hang up|Last error: Failed to connect/;

/** Advice where the failure suggests the wrong URL scheme. */
function adviceFor(protocol: string, error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  const words = `${code} ${message}`;
  if (protocol === "https:") {
    return notTls.test(words)
      ? "TLS handshake failed: the server does not speak TLS; use an http: address, or a TLS port"
      : undefined;
  }
  return notPlain.test(words)
    ? "the server closed the connection or does not speak plaintext HTTP; for a TLS port use an https: address"
    : undefined;
}

/** Explains a failed HTTP/2 connection. Without a cause, it was closed during the handshake. */
export function explainNoConnection(authority: string, cause: Error | undefined): ConnectError {
  const { protocol, host } = new URL(authority);
  const reason = adviceFor(protocol, cause ?? new Error("socket hang up")) ?? messageOf(cause);
  return new ConnectError(`cannot connect to ${host}: ${reason}`, Code.Unavailable, undefined, undefined, cause);
}

/** An error of several addresses has no message of its own. */
function messageOf(cause: Error | undefined): string {
  const errors = cause instanceof AggregateError ? cause.errors : [cause];
  return errors.map((error) => (error instanceof Error ? error.message : "it was closed")).join("; ");
}

/** Says it where others make the connection, until something was answered: from then on, the scheme is right. */
export function explainScheme(protocol: "http:" | "https:"): Interceptor {
  let isRight = false;
  return (next) => async (request) => {
    try {
      const response = await next(request);
      isRight = true;
      return response;
    } catch (error) {
      const failure = ConnectError.from(error);
      const advice = isRight ? undefined : adviceFor(protocol, failure);
      throw advice === undefined ? error : new ConnectError(advice, failure.code, failure.metadata, undefined, failure);
    }
  };
}
