import type { DescMethod } from "@bufbuild/protobuf";

/**
 * Wire format of a call's bodies, which decides how errors are written:
 *
 * - `grpc`, `grpc-web`: envelopes, and the status in trailers.
 * - `grpc-web-text`: those of gRPC-web in base64, for browsers that cannot read binary as it comes.
 * - `connect-stream`: envelopes, of which the last has the status.
 * - `connect-unary`: bare messages, and the status in that of HTTP. Connect's GET is one of them, and so is whatever has no
 *   content-type that is known.
 * - `json-stream`: one JSON document to a streaming method, answered by a line of JSON for each message, for `curl` and `fetch`.
 */
export type WireForm = "grpc" | "grpc-web" | "grpc-web-text" | "connect-stream" | "connect-unary" | "json-stream";

/** The only place that looks at content types. */
export function wireFormOf(
  contentType: string | undefined,
  httpMethod: string,
  method: DescMethod | undefined,
): WireForm {
  const type = contentType?.toLowerCase() ?? "";
  if (type.startsWith("application/grpc")) {
    const isText = type.startsWith("application/grpc-web-text");
    return isText ? "grpc-web-text" : type.startsWith("application/grpc-web") ? "grpc-web" : "grpc";
  }
  if (type.startsWith("application/connect+")) {
    return "connect-stream";
  }
  const isJsonStream =
    httpMethod === "POST" && method?.methodKind === "server_streaming" && /^application\/json\s*(;|$)/.test(type);
  return isJsonStream ? "json-stream" : "connect-unary";
}
