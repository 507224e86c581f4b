import type { JsonObject } from "../json.js";
import { type Case, refused, step } from "./case.js";

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

const notApplied = { outcome: "OUTCOME_NOT_APPLIED" } as const;
const hello = { value: "aGVsbG8=", writeTime: "<now>", etag: "<etag 1>" };

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
  {
    name: "MGet of entries without their data",
    steps: [
      ...store,
      step(
        "MGet",
        { keys: [value, counter], ...inOrder, metadataOnly: true },
        {
          results: [
            { key: value, entry: { writeTime: "<now>", etag: "<etag 1>", kind: "ENTRY_KIND_VALUE", valueBytes: 5 } },
            { index: 1, key: counter, entry: { writeTime: "<now>", etag: "<etag 2>", kind: "ENTRY_KIND_COUNTER" } },
          ],
        },
      ),
    ],
  },
  {
    name: "MSet of a value, a counter, a bad key, a failed condition and one that is returned",
    steps: [
      ...store,
      step(
        "MSet",
        {
          entries: [
            { key: "<key>new", value: "aGVsbG8=", expiry: { after: "3600s" } },
            { key: counter, counter: "9007199254740993" },
            { key: "", value: "" },
            { key: value, condition: { ifAbsent: {} } },
            { key: value, value: "eA==", returnPrevious: true },
          ],
        },
        {
          results: [
            { key: "<key>new", stored: { etag: "<etag 3>", writeTime: "<now>", expireTime: "<in an hour>" } },
            { index: 1, key: counter, stored: { etag: "<etag 4>", writeTime: "<now>" } },
            { index: 2, error: { code: 3, detail: { reason: "ERROR_REASON_INVALID_KEY", ...notApplied } } },
            {
              index: 3,
              key: value,
              error: {
                code: 9,
                detail: { reason: "ERROR_REASON_ALREADY_EXISTS", ...notApplied, currentEtag: "<etag 1>" },
              },
            },
            { index: 4, key: value, stored: { etag: "<etag 5>", writeTime: "<now>", previous: hello } },
          ],
        },
      ),
    ],
  },
  {
    name: "MDelete with a condition for one position, twice of one key",
    steps: [
      ...store,
      step(
        "MDelete",
        { keys: [value, counter, value], conditions: { 1: { ifEtag: "other" } }, returnEntries: true },
        {
          results: [
            { key: value, deleted: { existed: true, entry: hello } },
            {
              index: 1,
              key: counter,
              error: {
                code: 10,
                detail: { reason: "ERROR_REASON_ETAG_MISMATCH", ...notApplied, currentEtag: "<etag 2>" },
              },
            },
            { index: 2, key: value, deleted: {} },
          ],
        },
      ),
    ],
  },
  {
    name: "MDelete with a condition for a position that is not there",
    steps: [
      step(
        "MDelete",
        { keys: [value], conditions: { 1: { ifPresent: {} } } },
        refused("INVALID_ARGUMENT", "INVALID_FIELD", { ...notApplied, field: "conditions" }),
      ),
    ],
  },
];
