import { createRequestId } from "../../../common/request-ids.js";
import { DynakvError } from "../errors.js";

/** Gives increments their request ids. */
export interface ServerTimedIds {
  /** Carries out an increment under a fresh id, which all its repetitions have. */
  use<T>(call: (id: string) => Promise<T>): Promise<T>;
}

/**
 * Request ids that tell the server's time where this machine's clock is too far off: the server then refuses an id for its time,
 * and says what time it has. Nothing was applied, so the increment is made under another id.
 */
export function createServerTimedIds(): ServerTimedIds {
  let aheadMs = 0;
  const createId = () => createRequestId(Date.now() + aheadMs);
  return {
    async use(call) {
      try {
        return await call(createId());
      } catch (error) {
        const serverTime = error instanceof DynakvError ? error.serverTime : undefined;
        if (serverTime === undefined) {
          throw error;
        }
        aheadMs = serverTime.getTime() - Date.now();
        return call(createId());
      }
    },
  };
}
