import { createClient } from "../../client/src/index.js";
import type { Way } from "./way.js";

/** dynakv through its client, with the defaults of both. */
export function createDynakvWay(address: string): Way {
  const client = createClient({ address });
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    incr: (key) => client.incr(key),
    async mget(keys) {
      let found = 0;
      for await (const { entry } of client.mget(keys)) {
        found += entry === undefined ? 0 : 1;
      }
      return found;
    },
  };
}
