import { quote } from "../arguments/describe.js";

/** Prefix of results written by Celery 5.7 and newer with `result_compression`; the content type and a NUL follow. */
const mark = new TextEncoder().encode("\0celery-compressed\0");
/** Longer than any content type that kombu registers. */
const longestContentType = 128;

/** A result that is compressed in a way that cannot be undone here, or that inflates to more than is allowed. */
export class CompressionError extends Error {
  override readonly name = "CompressionError";
  /** The content type that Celery has written, such as `application/x-bz2`. */
  readonly contentType: string;

  constructor(message: string, contentType: string, cause?: unknown) {
    super(message, { cause });
    this.contentType = contentType;
  }
}

type Zlib = typeof import("node:zlib");
type Inflate = (bytes: Uint8Array, maxBytes: number) => Promise<Uint8Array>;
interface Method {
  readonly name: string;
  readonly contentType: string;
  /** Undefined where the platform has no such method. */
  readonly inflate: Inflate | undefined;
}

// Not an import: a bundle for browsers has no such module, and Node 20.0 to 20.15 no such function. Both inflate gzip all the same.
const zlib: Zlib | undefined = globalThis.process?.getBuiltinModule?.("node:zlib");

/** kombu.compression, with its aliases. Its gzip is the format of zlib (RFC 1950). */
const methods: readonly (Method & { readonly aliases: readonly string[] })[] = [
  {
    name: "gzip",
    contentType: "application/x-gzip",
    aliases: ["gzip", "zlib"],
    inflate: zlib === undefined ? inflateAsStream : byZlib(zlib.unzip),
  },
  {
    name: "brotli",
    contentType: "application/x-brotli",
    aliases: ["brotli"],
    inflate: byZlib(zlib?.brotliDecompress),
  },
  {
    name: "zstd",
    contentType: "application/zstd",
    aliases: ["zstd", "zstandard"],
    // Node 22.15 and newer.
    inflate: byZlib((zlib as { zstdDecompress?: Zlib["unzip"] } | undefined)?.zstdDecompress),
  },
  { name: "bzip2", contentType: "application/x-bz2", aliases: ["bzip2", "bzip"], inflate: undefined },
  { name: "lzma", contentType: "application/x-lzma", aliases: ["lzma", "xz"], inflate: undefined },
];

/** Undoes `result_compression`; what is not compressed comes back as it is. Rejects with a CompressionError. */
export async function decompress(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  if (!mark.every((byte, index) => bytes[index] === byte)) {
    return bytes;
  }
  const end = bytes.subarray(0, mark.length + longestContentType).indexOf(0, mark.length);
  const contentType = String.fromCharCode(...bytes.subarray(mark.length, end < 0 ? mark.length : end));
  const method = methods.find((each) => each.contentType === contentType || each.aliases.includes(contentType));
  if (method === undefined) {
    throw new CompressionError(`compressed by ${quote(contentType)}, a method that is not known`, contentType);
  }
  if (method.inflate === undefined) {
    throw new CompressionError(`compressed by ${method.name}, which this platform cannot undo`, contentType);
  }
  try {
    return await method.inflate(bytes.subarray(end + 1), maxBytes);
  } catch (cause) {
    const why = isTooLarge(cause)
      ? `and inflates to more than the ${maxBytes} bytes of maxInflatedBytes`
      : "but is damaged";
    throw new CompressionError(`compressed by ${method.name}, ${why}`, contentType, cause);
  }
}

function byZlib(inflate: Zlib["unzip"] | undefined): Inflate | undefined {
  return (
    inflate &&
    ((bytes, maxOutputLength) =>
      new Promise((resolve, reject) => {
        inflate(bytes, { maxOutputLength }, (error, inflated) => (error === null ? resolve(inflated) : reject(error)));
      }))
  );
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && (error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
}

async function inflateAsStream(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate"));
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > maxBytes) {
      throw Object.assign(new RangeError("too large"), { code: "ERR_BUFFER_TOO_LARGE" });
    }
    chunks.push(chunk);
  }
  const inflated = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    inflated.set(chunk, at);
    at += chunk.byteLength;
  }
  return inflated;
}
