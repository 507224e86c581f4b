import { Code, ConnectError } from "@connectrpc/connect";
import type { EnvelopedMessage } from "@connectrpc/connect/protocol";

/** A byte of flags and four of the length. */
const headBytes = 5;

/**
 * Takes messages out of their envelopes. Connect's own allocates what an envelope announces when its head has come: five bytes
 * would cost 16 MB.
 *
 * @throws what Connect throws
 */
export async function* splitEnvelopes(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<EnvelopedMessage> {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let needed = headBytes;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    while (bytes >= needed) {
      const gathered = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, bytes);
      chunks = [gathered];
      const view = new DataView(gathered.buffer, gathered.byteOffset, gathered.length);
      const length = view.getUint32(1);
      if (length > maxBytes) {
        const limit = `message size ${length} is larger than configured readMaxBytes ${maxBytes}`;
        throw new ConnectError(limit, Code.ResourceExhausted);
      }
      if (bytes < headBytes + length) {
        needed = headBytes + length;
        break;
      }
      const rest = gathered.subarray(headBytes + length);
      chunks = rest.length === 0 ? [] : [rest];
      bytes = rest.length;
      needed = headBytes;
      yield { flags: view.getUint8(0), data: gathered.subarray(headBytes, headBytes + length) };
    }
  }
  if (bytes > 0) {
    throw new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
  }
}
