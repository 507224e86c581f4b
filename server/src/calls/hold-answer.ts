import type { Message } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { contentTypeUnaryJson } from "@connectrpc/connect/protocol-connect";
import { ownTurn } from "../../../common/time-slices.js";
import { type Call, callKey } from "./call.js";
import type { CallMemory } from "./call-memory.js";
import { isWrite } from "./errors/to-connect-error.js";
import { cutOutLargeBytes } from "./json/large-bytes.js";

/** Answers of no more bytes are not counted: they cost no more than their heads do. */
const uncountedBytes = 4096;

/**
 * Holds a large answer until its client has taken it. That of a write is held anyhow: it would be told as not done.
 *
 * @returns how many bytes are held; undefined for a small answer
 * @throws DynakvError when others hold too much
 */
export function holdAnswer(memory: CallMemory, call: Call, message: Message): number | undefined {
  const bytes = bytesIn(message);
  if (bytes <= uncountedBytes) {
    return undefined;
  }
  if (isWrite(call.method)) {
    memory.holdAnyhow(call, bytes);
    return bytes;
  }
  const refusal = memory.hold(call, bytes);
  if (refusal !== undefined) {
    throw refusal;
  }
  return bytes;
}

/** Does so with the answers of unary calls that Connect writes. Those of streams are held where they are read. */
export function createAnswerHolder(memory: CallMemory): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    const call = request.contextValues.get(callKey);
    if (!response.stream && call !== undefined && holdAnswer(memory, call, response.message) !== undefined) {
      // Hundreds may come of one read, and it is encoded next: in JSON that takes milliseconds.
      await ownTurn();
      if (response.header.get("content-type") === contentTypeUnaryJson) {
        call.largeBytes = cutOutLargeBytes(response.message);
      }
    }
    return response;
  };
}

/** Approximate size of a message's strings and bytes. */
function bytesIn(value: unknown): number {
  if (value instanceof Uint8Array || typeof value === "string") {
    return value.length;
  }
  if (typeof value !== "object" || value === null) {
    return 0;
  }
  return Object.values(value).reduce((sum: number, each) => sum + bytesIn(each), 0);
}
