import type { Call } from "../calls/call.js";
import { consumedCapacityTrailers, returnConsumedCapacityHeader } from "../calls/header-names.js";
import type { Interceptor } from "../calls/pipeline.js";
import { type RequestObserver, readOperations } from "../store/dynamodb/observed-requests.js";

interface Consumed {
  readUnits: number;
  writeUnits: number;
  requests: number;
}

/** Tells callers who ask for it what their calls have consumed. */
export interface ConsumedCapacity {
  readonly interceptor: Interceptor;
  readonly observer: RequestObserver;
}

/**
 * The units of a request that serves several calls are shared out among them evenly, so that all shares together are what was billed;
 * each of them has taken part in one request.
 */
export function createConsumedCapacity(): ConsumedCapacity {
  const consumedBy = new WeakMap<object, Consumed>();
  return {
    interceptor(call: Call) {
      const asked = call.headers[returnConsumedCapacityHeader];
      if (typeof asked !== "string" || asked.toLowerCase() !== "total") {
        return;
      }
      const consumed: Consumed = { readUnits: 0, writeUnits: 0, requests: 0 };
      consumedBy.set(call, consumed);
      call.isWatched = true;
      call.trailers = () => ({
        [consumedCapacityTrailers.readUnits]: formatUnits(consumed.readUnits),
        [consumedCapacityTrailers.writeUnits]: formatUnits(consumed.writeUnits),
        [consumedCapacityTrailers.requests]: consumed.requests.toString(),
      });
    },
    observer({ operation, initiators }) {
      const sharers = initiators?.watching.flatMap((call) => consumedBy.get(call) ?? []) ?? [];
      if (sharers.length === 0) {
        return undefined;
      }
      for (const sharer of sharers) {
        sharer.requests++;
      }
      const field = readOperations.has(operation) ? "readUnits" : "writeUnits";
      return ({ units }) => {
        for (const sharer of sharers) {
          sharer[field] += units / (initiators?.count ?? 1);
        }
      };
    },
  };
}

/** Up to six decimals: a share of half a unit among hundreds is still above nothing. */
function formatUnits(units: number): string {
  return Number(units.toFixed(6)).toString();
}
