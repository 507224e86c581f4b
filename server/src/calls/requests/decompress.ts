import { brotliDecompressSync, createBrotliDecompress, createGunzip, gunzipSync } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";

/** Compression methods accepted in requests. */
export const acceptedCompression: readonly Compression[] = [compressionGzip, compressionBrotli];

/**
 * A message of so few bytes, of which no more than so many come, is decompressed in one go: that takes a tenth of a millisecond at most,
 * and a stream takes several times as long.
 */
const smallBytes = 4096;
const smallDecompressedBytes = 16_384;

/** Larger than Node's default: what comes of a few KB may be many MB. */
const chunkSize = 65_536;

/**
 * Decompresses a message as it is wanted: Connect's own decompression has all of it in the memory before anybody can count.
 *
 * @param take is told of what comes, and throws to end it
 * @throws what Connect throws
 */
export async function decompress(
  { name }: Compression,
  message: Uint8Array,
  maxBytes: number,
  take: (chunk: Buffer) => void,
): Promise<Buffer> {
  if (message.length === 0) {
    return Buffer.alloc(0);
  }
  const small = message.length > smallBytes ? undefined : decompressSmall(name, message, maxBytes);
  if (small !== undefined) {
    take(small);
    return small;
  }
  const stream = name === compressionGzip.name ? createGunzip({ chunkSize }) : createBrotliDecompress({ chunkSize });
  stream.end(message);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        const limit = `message is larger than configured readMaxBytes ${maxBytes} after decompression`;
        throw new ConnectError(limit, Code.ResourceExhausted);
      }
      take(chunk);
      chunks.push(chunk);
    }
  } catch (error) {
    throw toConnectError(error);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes);
}

/** Undefined for a message that is not small. */
function decompressSmall(name: string, message: Uint8Array, maxBytes: number): Buffer | undefined {
  const inOneGo = name === compressionGzip.name ? gunzipSync : brotliDecompressSync;
  const maxOutputLength = Math.min(maxBytes, smallDecompressedBytes);
  try {
    return inOneGo(message, { chunkSize: smallBytes, maxOutputLength });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      return undefined;
    }
    throw toConnectError(error);
  }
}

function toConnectError(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code !== "string") {
    return error;
  }
  const isData = code === "Z_DATA_ERROR" || code === "ERR_PADDING_2" || code.startsWith("ERR__ERROR_FORMAT_");
  return new ConnectError("decompression failed", isData ? Code.InvalidArgument : Code.Internal);
}
