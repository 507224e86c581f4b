import { type Case, refused, step } from "./case.js";

const key = "<key>";
const notApplied = { outcome: "OUTCOME_NOT_APPLIED" } as const;
const hello = { value: "aGVsbG8=", writeTime: "<now>", etag: "<etag 1>" };
const storeHello = step("Set", { key, value: "aGVsbG8=" }, { etag: "<etag 1>", writeTime: "<now>" });

export const returnedEntryCases: readonly Case[] = [
  {
    name: "Set with the entry that it replaces, and over nothing",
    steps: [
      step("Set", { key, value: "aGVsbG8=", returnPrevious: true }, { etag: "<etag 1>", writeTime: "<now>" }),
      step("Set", { key, value: "", returnPrevious: true }, { etag: "<etag 2>", writeTime: "<now>", previous: hello }),
    ],
  },
  {
    name: "Set of a counter, and Incr of it",
    steps: [
      step("Set", { key, counter: "9007199254740993" }, { etag: "<etag 1>", writeTime: "<now>" }),
      step("Incr", { key }, { value: "9007199254740994", etag: "<etag 2>" }),
    ],
  },
  {
    name: "Set of a counter and a value",
    steps: [
      step(
        "Set",
        { key, counter: "1", value: "eA==" },
        refused("INVALID_ARGUMENT", "INVALID_FIELD", { ...notApplied, field: "counter" }),
      ),
    ],
  },
  {
    name: "Delete with the entry that it removes, and of nothing",
    steps: [
      storeHello,
      step("Delete", { key, returnEntry: true }, { existed: true, entry: hello }),
      step("Delete", { key, returnEntry: true }, {}),
    ],
  },
  {
    name: "Delete of an etag with a request id, its repetition, and another one",
    steps: [
      storeHello,
      step("Delete", { key, condition: { ifEtag: "<etag 1>" }, requestId: "<id 1>" }, { existed: true }),
      step("Delete", { key, condition: { ifEtag: "<etag 1>" }, requestId: "<id 1>" }, { existed: true }),
      step("Delete", { key, condition: { ifEtag: "<etag 1>" }, requestId: "018f2f6e-2b3c-7abc-9def-0123456789ab" }, {}),
      step("Get", { key }, {}),
    ],
  },
  {
    name: "Delete with a request id alone",
    steps: [
      step(
        "Delete",
        { key, requestId: "<id 1>" },
        refused("INVALID_ARGUMENT", "INVALID_FIELD", { ...notApplied, field: "request_id" }),
      ),
    ],
  },
  {
    name: "MDelete of etags with request ids",
    steps: [
      storeHello,
      step(
        "MDelete",
        { keys: [key], conditions: { 0: { ifEtag: "<etag 1>" } }, requestIds: { 0: "<id 1>" } },
        { results: [{ key, deleted: { existed: true } }] },
      ),
      step("Delete", { key, condition: { ifEtag: "<etag 1>" }, requestId: "<id 1>" }, { existed: true }),
    ],
  },
  {
    name: "Touch with the entry, only while it has little time left",
    steps: [
      storeHello,
      step(
        "Touch",
        { key, expiry: { after: "3600s" }, returnEntry: true },
        {
          existed: true,
          etag: "<etag 2>",
          expireTime: "<in an hour>",
          entry: { value: "aGVsbG8=", writeTime: "<now>", expireTime: "<in an hour>", etag: "<etag 2>" },
        },
      ),
      step(
        "Touch",
        { key, expiry: { after: "60s" }, ifRemainingBelow: "900s" },
        { existed: true, etag: "<etag 2>", expireTime: "<in an hour>", unchanged: true },
      ),
    ],
  },
  {
    name: "Incr with an expiry for a counter that it creates",
    steps: [
      step(
        "Incr",
        { key, expiryIfCreated: { after: "3600s" } },
        { value: "1", etag: "<etag 1>", expireTime: "<in an hour>" },
      ),
      step(
        "Incr",
        { key, expiryIfCreated: { after: "60s" } },
        { value: "2", etag: "<etag 2>", expireTime: "<in an hour>" },
      ),
    ],
  },
  {
    name: "Incr with both expiries",
    steps: [
      step(
        "Incr",
        { key, expiry: { never: {} }, expiryIfCreated: { after: "60s" } },
        refused("INVALID_ARGUMENT", "INVALID_EXPIRY", { ...notApplied, field: "expiry_if_created" }),
      ),
    ],
  },
  {
    name: "Get of metadata only",
    steps: [
      storeHello,
      step(
        "Get",
        { key, metadataOnly: true },
        { entry: { writeTime: "<now>", etag: "<etag 1>", kind: "ENTRY_KIND_VALUE", valueBytes: 5 } },
      ),
    ],
  },
];
