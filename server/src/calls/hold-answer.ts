import type { Interceptor } from "@connectrpc/connect";
import type { DynakvError } from "../errors/dynakv-error.js";
import { type Call, callKey } from "./call.js";
import type { CallMemory } from "./call-memory.js";
import { isWrite } from "./errors/to-connect-error.js";

/** Answers of no more bytes are not counted: they cost no more than their heads do. */
const uncountedBytes = 4096;

/**
 * Holds an answer until its client has taken it. Returns why it cannot be held, when others hold too much. That of a write is held
 * anyhow: it would be told as not done.
 */
export function holdAnswer(memory: CallMemory, call: Call, bytes: number): DynakvError | undefined {
  if (bytes <= uncountedBytes) {
    return undefined;
  }
  if (isWrite(call.method)) {
    memory.holdAnyhow(call, bytes);
    return undefined;
  }
  return memory.hold(call, bytes);
}

/** Does so with the answers of unary calls that Connect writes. Those of streams are held where they are read. */
export function createAnswerHolder(memory: CallMemory): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    const call = request.contextValues.get(callKey);
    const refusal =
      response.stream || call === undefined ? undefined : holdAnswer(memory, call, bytesIn(response.message));
    if (refusal !== undefined) {
      throw refusal;
    }
    return response;
  };
}

/** How many bytes a message holds in its strings and bytes, roughly. */
function bytesIn(value: unknown): number {
  if (value instanceof Uint8Array || typeof value === "string") {
    return value.length;
  }
  if (typeof value !== "object" || value === null) {
    return 0;
  }
  return Object.values(value).reduce((sum: number, each) => sum + bytesIn(each), 0);
}
