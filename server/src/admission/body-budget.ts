import type { BodyLimit } from "../calls/body-limit.js";
import type { Call } from "../calls/call.js";
import { shedError } from "./overload-errors.js";

/** So many large bodies may be held at once as the largest that there may be. */
const largestAtOnce = 16;
/** What is not counted of each, so that small calls go on while large ones have used all that there is. */
const smallBytes = 16_384;

/** @param refuse makes the refusal, where that is to be counted as well */
export function createBodyBudget(maxRequestBytes: number, refuse = () => shedError("bodies")): BodyLimit {
  const most = maxRequestBytes * largestAtOnce;
  const held = new Map<Call, number>();
  let total = 0;

  /** Once for each call: there is one chunk for every frame, and a client may make those small. */
  function hold(call: Call): void {
    held.set(call, 0);
    call.onRelease(() => {
      total -= held.get(call) ?? 0;
      held.delete(call);
    });
  }

  return {
    add(call, bytes) {
      call.requestBytes += bytes;
      if (call.requestBytes <= smallBytes || call.ended) {
        return undefined;
      }
      const added = Math.min(bytes, call.requestBytes - smallBytes);
      if (total + added > most) {
        return refuse();
      }
      if (!held.has(call)) {
        hold(call);
      }
      held.set(call, (held.get(call) ?? 0) + added);
      total += added;
      return undefined;
    },
  };
}
