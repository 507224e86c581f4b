import type { JsonObject } from "../json.js";
import { type Case, step } from "./case.js";

const [value, counter, missing] = ["<key>value", "<key>counter", "<key>missing"];
const inOrder = { consistency: "CONSISTENCY_STRONG", order: "RESULT_ORDER_REQUEST" };

const entries: Readonly<Record<string, JsonObject>> = {
  [value]: { entry: { value: "aGVsbG8=", writeTime: "<now>", etag: "<etag 1>" } },
  [counter]: { entry: { counter: "7", writeTime: "<now>", etag: "<etag 2>" } },
  [missing]: { missing: {} },
  "": {
    error: {
      code: 3,
      detail: { reason: "ERROR_REASON_INVALID_KEY" },
    },
  },
};

/** What is asked for, and the answer: an index of 0 is not written in Protobuf's JSON, nor is an empty key. */
function readAll(keys: readonly string[]) {
  const results = keys.map((key, index) => ({
    ...(index === 0 ? {} : { index }),
    ...(key === "" ? {} : { key }),
    ...entries[key],
  }));
  return step("MGet", { keys, ...inOrder }, { results });
}

const store = [
  step("Set", { key: value, value: "aGVsbG8=" }, { etag: "<etag 1>", writeTime: "<now>" }),
  step("Incr", { key: counter, delta: "7" }, { value: "7", etag: "<etag 2>" }),
];

export const manyKeysCases: readonly Case[] = [
  {
    name: "MGet in the order of the request, with duplicates, a missing and a bad key",
    steps: [...store, readAll([value, missing, counter, value, "", missing])],
  },
  {
    name: "MGet of 1,000 positions",
    steps: [...store, readAll(Array.from({ length: 1000 }, (_, index) => [counter, missing, value][index % 3] ?? ""))],
  },
  { name: "MGet of no keys", steps: [readAll([])] },
];
