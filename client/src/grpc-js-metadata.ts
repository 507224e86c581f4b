import { Code, ConnectError, decodeBinaryHeader, encodeBinaryHeader } from "@connectrpc/connect";
import { Metadata } from "@grpc/grpc-js";

/** Metadata for headers. Binary headers, named `…-bin`, are base64 in Headers and bytes in Metadata. */
export function toMetadata(headers: Headers): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of headers) {
    try {
      if (name.endsWith("-bin")) {
        // Headers joins the values of a name with a comma, which base64 does not hold.
        for (const part of value.split(",")) {
          metadata.add(name, Buffer.from(decodeBinaryHeader(part.trim())));
        }
      } else {
        metadata.add(name, value);
      }
    } catch (error) {
      throw new ConnectError(
        `header ${name} cannot be sent by gRPC`,
        Code.InvalidArgument,
        undefined,
        undefined,
        error,
      );
    }
  }
  return metadata;
}

/** Headers for metadata. */
export function toHeaders(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(metadata.toJSON())) {
    for (const value of values) {
      headers.append(name, typeof value === "string" ? value : encodeBinaryHeader(value));
    }
  }
  return headers;
}
