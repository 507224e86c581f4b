/** A caller that writes and reads many entries, in a process of its own. */
import { createClient, type DynakvClient } from "../../client/src/index.js";
import { answerQuestions } from "../../tools/process-monitor/answer.js";
import { measured } from "../caller/measured.js";

let client: DynakvClient | undefined;
const value = new Uint8Array(1000).map((_, n) => n * 167);

function started(): DynakvClient {
  if (client === undefined) {
    throw new Error("the caller was not told where the server is");
  }
  return client;
}

function* entries(count: number) {
  for (let n = 0; n < count; n++) {
    yield { key: `v1000:${n}`, value };
  }
}

answerQuestions({
  start(address: string) {
    client = createClient({ address, batching: false });
  },
  sets: ({ count, inFlight }: { readonly count: number; readonly inFlight: number }) =>
    measured(async () => {
      const source = entries(count);
      const lane = async () => {
        for (let next = source.next(); next.done !== true; next = source.next()) {
          await started().set(next.value.key, next.value.value);
        }
      };
      await Promise.all(Array.from({ length: inFlight }, lane));
    }),
  mset: (count: number) =>
    measured(async () => {
      const answered = new Uint8Array(count);
      for await (const { index, answer } of started().mset(entries(count))) {
        if (answer.etag === "" || answered[index] !== 0) {
          throw new Error(`position ${index} was not answered once`);
        }
        answered[index] = 1;
      }
      if (answered.includes(0)) {
        throw new Error("a position was not answered");
      }
    }),
  scan: (count: number) =>
    measured(async () => {
      let found = 0;
      for await (const { entry } of started().scan()) {
        found += entry === undefined ? 0 : 1;
      }
      if (found !== count) {
        throw new Error(`${found} entries were found`);
      }
    }),
});
