import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  createConnectRouter,
} from "@connectrpc/connect";
import {
  createAsyncIterable,
  type EnvelopedMessage,
  encodeEnvelope,
  readAllBytes,
  transformSplitEnvelope,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import {
  codeFromString,
  codeToHttpStatus,
  contentTypeStreamJson,
  contentTypeUnaryJson,
  endStreamFlag,
  type errorToJson,
} from "@connectrpc/connect/protocol-connect";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { untilRefused } from "./body-limit.js";
import type { Call } from "./call.js";
import type { CallRequestHandler } from "./dispatch.js";
import { maxBytesOf } from "./request-bytes.js";

export interface JsonLinesOptions extends ConnectRouterOptions {
  readonly routes: (router: ConnectRouter) => void;
  readonly readMaxBytes: number;
}

/**
 * Lets `curl` and `fetch` call a streaming method as they call the others: with one JSON document. The answer is a line of
 * JSON for each message. Connect puts such messages into envelopes of binary lengths, which neither of them writes, and
 * refuses a plain document with 415; here the envelopes are put on and taken off, and all else is Connect's.
 *
 * An error before the first message has its HTTP status and the JSON of a unary call's; a later one is a last line with
 * `error` alone.
 */
export function withJsonLines(handler: CallRequestHandler, options: JsonLinesOptions): CallRequestHandler {
  const router = createConnectRouter(options);
  options.routes(router);
  const streams = new Map(
    router.handlers
      .filter(({ method }) => method.methodKind === "server_streaming")
      .map((stream) => [stream.requestPath, stream]),
  );
  return (request, response, call) => {
    const stream = streams.get(request.url?.split("?", 1)[0] ?? "");
    const isJson = /^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? "");
    if (stream === undefined || request.method !== "POST" || !isJson) {
      handler(request, response, call);
      return;
    }
    const universal = universalRequestFromNodeRequest(request, response, undefined, call.contextValues());
    stream(toEnveloped(universal, call, maxBytesOf(stream.service, options.readMaxBytes)))
      .then(toLines)
      .then((answer) => universalResponseToNodeResponse(answer, response))
      // What is left to fail is the connection: nobody is there to be told.
      .catch(() => response.destroy());
  };
}

function toEnveloped(request: UniversalServerRequest, call: Call, readMaxBytes: number): UniversalServerRequest {
  const header = new Headers(request.header);
  header.set("content-type", contentTypeStreamJson);
  header.delete("content-length");
  header.delete("content-encoding");
  return { ...request, header, body: readEnvelope(request, call, readMaxBytes) };
}

/** Read only when Connect asks for it, so that what fails here is told as everything else that it refuses. */
async function* readEnvelope(request: UniversalServerRequest, call: Call, readMaxBytes: number) {
  const { header } = request;
  if (header.has("content-encoding")) {
    throw new ConnectError("protocol error: a compressed document is not taken here", Code.Unimplemented);
  }
  const length = header.get("content-length");
  yield encodeEnvelope(0, await readAllBytes(untilRefused(request, call), readMaxBytes, length));
}

async function toLines(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  if (response.status !== 200 || response.body === undefined) {
    return response;
  }
  const envelopes = transformSplitEnvelope(maxEnvelopeBytes)(response.body)[Symbol.asyncIterator]();
  // Waited for, since only now is it known whether the call has failed.
  const first = await envelopes.next();
  const error = first.done ? undefined : errorOf(first.value);
  if (error !== undefined) {
    return errorResponse(error);
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
          yield Buffer.from(`${JSON.stringify({ error })}\n`);
        }
      }
    }
  } finally {
    await envelopes.return?.();
  }
}

const newline = Buffer.from("\n");

type ErrorJson = ReturnType<typeof errorToJson>;

/** The error that the last envelope tells; undefined when all went well, and for every other envelope. */
function errorOf({ flags, data }: EnvelopedMessage): ErrorJson | undefined {
  if ((flags & endStreamFlag) === 0) {
    return undefined;
  }
  return (JSON.parse(Buffer.from(data).toString()) as { error?: ErrorJson }).error;
}

function errorResponse(error: ErrorJson): UniversalServerResponse {
  const code = codeFromString(String(error.code)) ?? Code.Unknown;
  return {
    status: codeToHttpStatus(code),
    header: new Headers({ "content-type": contentTypeUnaryJson }),
    body: createAsyncIterable([Buffer.from(JSON.stringify(error))]),
  };
}
