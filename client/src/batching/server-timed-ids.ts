import { createRequestIds, type RequestIds } from "../../../common/request-ids.js";
import { DynakvError } from "../errors.js";

/**
 * Request ids that tell the server's time where this machine's clock is too far off: the server then refuses an id for its time,
 * and says what time it has. Nothing was applied, so the increment is made under another id.
 */
export function createServerTimedIds(): RequestIds {
  let ids = createRequestIds();
  return {
    async use(key, call, signal) {
      const used = ids;
      try {
        return await used.use(key, call, signal);
      } catch (error) {
        const serverTime = error instanceof DynakvError ? error.serverTime : undefined;
        if (serverTime === undefined) {
          throw error;
        }
        // New ones, also of writers: those of the old ones may lie ahead.
        if (ids === used) {
          const aheadMs = serverTime.getTime() - Date.now();
          ids = createRequestIds(() => Date.now() + aheadMs);
        }
        return ids.use(key, call, signal);
      }
    },
  };
}
