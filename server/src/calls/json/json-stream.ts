/**
 * Lets `curl` and `fetch` call a streaming method as they call the others: with one JSON document. The answer is a line of
 * JSON for each message. Connect puts such messages into envelopes of binary lengths, which neither of them writes, and
 * refuses a plain document with 415; here the envelopes are put on and taken off, and all else is Connect's.
 *
 * An error before the first message has its HTTP status and the JSON of a unary call's; a later one is a last line with
 * `error` alone.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type EnvelopedMessage,
  encodeEnvelope,
  readAllBytes,
  transformSplitEnvelope,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { contentTypeStreamJson, endStreamFlag } from "@connectrpc/connect/protocol-connect";
import { type ErrorJson, toErrorLine, toJsonWireError, toUniversalResponse } from "../errors/write-error.js";

/** The request as Connect takes it. */
export function toEnveloped(request: UniversalServerRequest, readMaxBytes: number): UniversalServerRequest {
  const header = new Headers(request.header);
  header.set("content-type", contentTypeStreamJson);
  header.delete("content-length");
  header.delete("content-encoding");
  return { ...request, header, body: readEnvelope(request, readMaxBytes) };
}

/** Read only when Connect asks for it, so that what fails here is told as everything else that it refuses. */
async function* readEnvelope({ header, body }: UniversalServerRequest, readMaxBytes: number) {
  if (header.has("content-encoding")) {
    throw new ConnectError("protocol error: a compressed document is not taken here", Code.Unimplemented);
  }
  const bytes = await readAllBytes(body as AsyncIterable<Uint8Array>, readMaxBytes, header.get("content-length"));
  yield encodeEnvelope(0, bytes);
}

/** Connect's response as lines. */
export async function toLines(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  if (response.status !== 200 || response.body === undefined) {
    return response;
  }
  const envelopes = transformSplitEnvelope(maxEnvelopeBytes)(response.body)[Symbol.asyncIterator]();
  // Waited for, since only now is it known whether the call has failed.
  const first = await envelopes.next();
  const error = first.done ? undefined : errorOf(first.value);
  if (error !== undefined) {
    return toUniversalResponse(toJsonWireError(error));
  }
  return {
    status: 200,
    header: new Headers({ "content-type": "application/x-ndjson" }),
    body: writeLines(first, envelopes),
  };
}

const maxEnvelopeBytes = 0xffffffff;

async function* writeLines(
  first: IteratorResult<EnvelopedMessage>,
  envelopes: AsyncIterator<EnvelopedMessage>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; !next.done; next = await envelopes.next()) {
      if ((next.value.flags & endStreamFlag) === 0) {
        yield Buffer.concat([next.value.data, newline]);
      } else {
        const error = errorOf(next.value);
        if (error !== undefined) {
          yield toErrorLine(error);
        }
      }
    }
  } finally {
    await envelopes.return?.();
  }
}

const newline = Buffer.from("\n");

/** The error that the last envelope tells; undefined when all went well, and for every other envelope. */
function errorOf({ flags, data }: EnvelopedMessage): ErrorJson | undefined {
  if ((flags & endStreamFlag) === 0) {
    return undefined;
  }
  return (JSON.parse(Buffer.from(data).toString()) as { error?: ErrorJson }).error;
}
