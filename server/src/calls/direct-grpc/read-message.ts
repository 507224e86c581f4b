import type { ServerHttp2Stream } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { envelopeBytes } from "../../../../common/envelope.js";
import type { DynakvError } from "../../errors/dynakv-error.js";

/** Connect's names for methods with a single request message. */
export type RequestKind = "unary" | "server-streaming";

/**
 * Reads the one message of a request that has one. What is wrong with it is told as Connect tells it, so that a refusal is the same on
 * both paths. Calls back once.
 *
 * @param call has the reason why no more are to be gathered, if there is one
 */
export function readMessage(
  stream: ServerHttp2Stream,
  maxBytes: number,
  kind: RequestKind,
  call: { readonly bodyRefusal: DynakvError | undefined },
  done: (message: Uint8Array | ConnectError | DynakvError) => void,
): void {
  let received: Buffer | undefined;
  let rest: Buffer[] = [];
  let bytes = 0;
  let isDone = false;

  function finish(message: Uint8Array | ConnectError | DynakvError): void {
    isDone = true;
    received = undefined;
    rest = [];
    done(message);
  }

  stream.on("data", (chunk: Buffer) => {
    if (isDone) {
      return;
    }
    bytes += chunk.length;
    if (call.bodyRefusal !== undefined) {
      finish(call.bodyRefusal);
      return;
    }
    if (received === undefined) {
      received = chunk;
    } else if (received.length < envelopeBytes) {
      received = Buffer.concat([received, chunk]);
    } else {
      rest.push(chunk);
    }
    // A message that announces more than the limit is refused at once, before it is gathered.
    if (received.length >= envelopeBytes && received.readUInt32BE(1) > maxBytes) {
      finish(tooLarge(received.readUInt32BE(1), maxBytes));
    } else if (bytes > maxBytes + envelopeBytes) {
      finish(extraMessage(kind));
    }
  });
  stream.once("end", () => {
    if (isDone) {
      return;
    }
    if (received === undefined) {
      finish(new ConnectError(`protocol error: missing input message for ${kind} method`, Code.Unimplemented));
      return;
    }
    const body = rest.length === 0 ? received : Buffer.concat([received, ...rest], bytes);
    finish(unwrap(body, kind));
  });
  stream.once("close", () => {
    if (!isDone) {
      finish(new ConnectError("the client has closed the stream", Code.Canceled));
    }
  });
}

function unwrap(body: Buffer, kind: RequestKind): Uint8Array | ConnectError {
  const end = body.length < envelopeBytes ? Number.POSITIVE_INFINITY : envelopeBytes + body.readUInt32BE(1);
  if (body.length < end) {
    return new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
  }
  if (body.length > end) {
    return extraMessage(kind);
  }
  // The lowest flag says that the message is compressed; the header said with nothing. gRPC reserves the others.
  if (body[0] !== 0) {
    return new ConnectError("received a compressed message without an encoding", Code.Internal);
  }
  return body.subarray(envelopeBytes);
}

function extraMessage(kind: RequestKind): ConnectError {
  return new ConnectError(`protocol error: received extra input message for ${kind} method`, Code.Unimplemented);
}

function tooLarge(bytes: number, maxBytes: number): ConnectError {
  return new ConnectError(`message size ${bytes} is larger than ${maxBytes}`, Code.ResourceExhausted);
}
