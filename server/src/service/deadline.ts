import type { HandlerContext } from "@connectrpc/connect";
import { workOf } from "./initiator.js";

/**
 * Carries out a call under the caller's deadline, or under the server's own when the caller set none, so that no call
 * works for ever. The signal that it hands on aborts at that deadline and when the caller leaves.
 */
export async function callWithDeadline<T>(
  context: HandlerContext,
  defaultDeadlineMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (context.timeoutMs() !== undefined) {
    return call(workOf(context, context.signal));
  }
  const controller = new AbortController();
  const leave = () => controller.abort(context.signal.reason);
  const timer = setTimeout(() => {
    controller.abort(new DOMException("the server's default deadline has passed", "TimeoutError"));
  }, defaultDeadlineMs);
  if (context.signal.aborted) {
    leave();
  }
  context.signal.addEventListener("abort", leave);
  try {
    return await call(workOf(context, controller.signal));
  } finally {
    clearTimeout(timer);
    context.signal.removeEventListener("abort", leave);
  }
}
