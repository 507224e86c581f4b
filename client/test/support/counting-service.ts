import { createRouterTransport } from "@connectrpc/connect";
import { createClient } from "../../src/index.js";
import { InfoService, KeyValueService } from "../../src/schema.js";

/** A client of a service that counts as dynakv does, and the keys that came to it. */
export function startCounting(batching = true) {
  const keys: string[] = [];
  let counter = 0n;
  const transport = createRouterTransport(({ service }) => {
    service(InfoService, { getInfo: () => ({ version: "fake" }) });
    service(KeyValueService, {
      get({ key }) {
        keys.push(key);
        return {};
      },
      set({ key }) {
        keys.push(key);
        return { etag: "e" };
      },
      delete: ({ key }) => ({ existed: keys.push(key) > 0 }),
      touch: ({ key }) => ({ existed: keys.push(key) > 0 }),
      incr({ key, delta = 1n }) {
        keys.push(key);
        counter += delta;
        return { value: counter };
      },
      async *mGet(request) {
        keys.push(...request.keys);
        yield { results: request.keys.map((key, index) => ({ index, key, result: { case: "missing", value: {} } })) };
      },
      async *scan() {
        yield { results: [], cursor: "c" };
      },
    });
  });
  return { client: createClient({ transport, batching, retries: false }), keys };
}

/** Bytes whose memory is gone. */
export function transferred(): Uint8Array {
  const gone = new Uint8Array(8);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  return gone;
}
