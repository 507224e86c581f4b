import type { Readable } from "node:stream";
import type { NodeRequest, NodeResponse } from "../listener/exchange.js";
import type { Call } from "./call.js";
import type { CallMemory } from "./call-memory.js";

/**
 * Counts the bytes of bodies as they pass, without reading them: what a listener for data would do. Notes with the call when there is
 * no more room for its body, and tells it when its client does not take what is sent.
 */
export function countBytes(request: NodeRequest, response: NodeResponse, call: Call, memory: CallMemory): void {
  const source = ("stream" in request ? request.stream : request) as Readable;
  // Bytes that arrived with the head, or while the call was queued.
  add(source.readableLength);
  const { push } = source;
  source.push = (chunk: unknown, encoding?: BufferEncoding) => {
    add(lengthOf(chunk));
    if (chunk === null) {
      memory.clientMoved(call);
    }
    return push.call(source, chunk, encoding);
  };
  function add(bytes: number): void {
    // The messages of a stream are forgotten one by one.
    if (call.method?.methodKind === "bidi_streaming") {
      call.requestBytes += bytes;
    } else {
      call.bodyRefusal ??= memory.addBody(call, bytes);
    }
  }
  const target = response as { write(...given: unknown[]): boolean; end(...given: unknown[]): unknown };
  const { write, end } = target;
  let isStalled = false;
  target.write = (...given) => {
    call.responseBytes += lengthOf(given[0]);
    const isTaken = write.apply(target, given);
    if (!isTaken && !isStalled) {
      isStalled = true;
      memory.awaitClient(call);
      call.onStall?.(true);
      response.once("drain", () => {
        isStalled = false;
        memory.clientMoved(call);
        call.onStall?.(false);
      });
    }
    return isTaken;
  };
  target.end = (...given) => {
    call.responseBytes += lengthOf(given[0]);
    return end.apply(target, given);
  };
}

/** The body of a call, until there is no more room for it. */
export async function* limitBody(body: AsyncIterable<Uint8Array>, call: Call): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    if (call.bodyRefusal !== undefined) {
      throw call.bodyRefusal;
    }
    yield chunk;
  }
  // It may have given way since the last of it came.
  if (call.bodyRefusal !== undefined) {
    throw call.bodyRefusal;
  }
}

function lengthOf(chunk: unknown): number {
  return typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk instanceof Uint8Array ? chunk.length : 0;
}
