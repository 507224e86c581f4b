import type { Readable } from "node:stream";
import type { NodeResponse } from "../listener/exchange.js";
import type { Call } from "./call.js";
import type { CallMemory } from "./call-memory.js";

/**
 * Counts the bytes of a request's body as they come, also while nobody reads them yet, and without reading them: what a listener for data
 * would do. Notes with the call when there is no more room for its body; one that still waits to be let in gives way then.
 */
export function countRequest(source: Readable, call: Call, memory: CallMemory, isWaiting: () => boolean): void {
  const { push } = source;
  source.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null) {
      memory.clientMoved(call);
    } else {
      add(lengthOf(chunk), 1);
    }
    return push.call(source, chunk, encoding);
  };
  if (source.readableLength > 0) {
    // Those that came with the head. Node tells of their number nowhere else.
    const { readableBuffer } = source as { readableBuffer?: { readonly length: number } };
    add(source.readableLength, readableBuffer?.length ?? 1);
  }
  function add(bytes: number, pieces: number): void {
    if (call.method?.methodKind === "bidi_streaming" && !isWaiting()) {
      // The messages of a stream are forgotten one by one.
      call.requestBytes += bytes;
      return;
    }
    const refusal = memory.addBody(call, bytes, pieces);
    if (refusal !== undefined && call.bodyRefusal === undefined) {
      call.bodyRefusal = refusal;
      if (isWaiting()) {
        call.giveWay?.(refusal);
      }
    }
  }
}

/** Counts the bytes of an answer as they pass, and tells the call when its client does not take what is sent. */
export function countResponse(response: NodeResponse, call: Call, memory: CallMemory): void {
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
