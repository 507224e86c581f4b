import { type Case, refused, step } from "./case.js";

const key = "<key>";
const hello = "aGVsbG8=";
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, index) => index)).toString("base64");
const notApplied = { outcome: "OUTCOME_NOT_APPLIED" } as const;
const strong = "CONSISTENCY_STRONG";

const stored = { etag: "<etag 1>", writeTime: "<now>" };
const storeHello = step("Set", { key, value: hello }, stored);

/** A value that is stored must be read as it was. */
function roundTrip(name: string, value: string, at = key): Case {
  return {
    name,
    steps: [
      step("Set", { key: at, value }, stored),
      step("Get", { key: at, consistency: strong }, { entry: { value, ...stored } }),
    ],
  };
}

export const valueCases: readonly Case[] = [
  roundTrip("Set, and Get of the value", hello),
  { name: "Get of a missing key", steps: [step("Get", { key }, {})] },
  roundTrip("an empty value", ""),
  roundTrip("a value of all 256 bytes", everyByte),
  roundTrip("a key of other scripts", hello, `${key}ключ 鍵 🔑 é`),
  roundTrip("a key of Celery's", hello, `b'celery-task-meta-${key}'`),
  {
    name: "Set with an expiry",
    steps: [
      step("Set", { key, value: hello, expiry: { after: "3600s" } }, { ...stored, expireTime: "<in an hour>" }),
      step("Get", { key }, { entry: { value: hello, ...stored, expireTime: "<in an hour>" } }),
    ],
  },
  {
    name: "Set if_absent where nothing is",
    steps: [step("Set", { key, value: hello, condition: { ifAbsent: {} } }, stored)],
  },
  {
    name: "Set if_absent where an entry is",
    steps: [
      storeHello,
      step(
        "Set",
        { key, value: "", condition: { ifAbsent: {} } },
        refused("FAILED_PRECONDITION", "ALREADY_EXISTS", { ...notApplied, currentEtag: "<etag 1>" }),
      ),
    ],
  },
  {
    name: "Set if_present where nothing is",
    steps: [
      step(
        "Set",
        { key, value: hello, condition: { ifPresent: {} } },
        refused("FAILED_PRECONDITION", "NOT_PRESENT", notApplied),
      ),
    ],
  },
  {
    name: "Set if_etag with the etag",
    steps: [
      storeHello,
      step("Set", { key, value: "", condition: { ifEtag: "<etag 1>" } }, { etag: "<etag 2>", writeTime: "<now>" }),
    ],
  },
  {
    name: "Set if_etag with another etag",
    steps: [
      storeHello,
      step("Set", { key, value: "" }, { etag: "<etag 2>", writeTime: "<now>" }),
      step(
        "Set",
        { key, value: hello, condition: { ifEtag: "<etag 1>" } },
        refused("ABORTED", "ETAG_MISMATCH", { ...notApplied, currentEtag: "<etag 2>" }),
      ),
    ],
  },
  {
    name: "Set with a condition that tests nothing",
    steps: [
      step(
        "Set",
        { key, value: hello, condition: {} },
        refused("INVALID_ARGUMENT", "INVALID_CONDITION", { ...notApplied, field: "condition" }),
      ),
    ],
  },
  {
    name: "Set with an expiry below zero",
    steps: [
      step(
        "Set",
        { key, value: hello, expiry: { after: "-1s" } },
        refused("INVALID_ARGUMENT", "INVALID_EXPIRY", { ...notApplied, field: "expiry.after" }),
      ),
    ],
  },
  {
    name: "Set of a value too large",
    steps: [
      step(
        "Set",
        { key, value: Buffer.alloc(500_000).toString("base64") },
        refused("INVALID_ARGUMENT", "VALUE_TOO_LARGE", { ...notApplied, field: "value" }),
      ),
    ],
  },
  {
    name: "Get with an empty key",
    steps: [step("Get", { key: "" }, refused("INVALID_ARGUMENT", "INVALID_KEY", { field: "key" }))],
  },
  {
    name: "Get with a key too long",
    steps: [step("Get", { key: key + "é".repeat(1024) }, refused("INVALID_ARGUMENT", "INVALID_KEY", { field: "key" }))],
  },
  {
    name: "Delete, and Delete again",
    steps: [storeHello, step("Delete", { key }, { existed: true }), step("Delete", { key }, {})],
  },
  {
    name: "Delete if_etag with another etag",
    steps: [
      storeHello,
      step(
        "Delete",
        { key, condition: { ifEtag: "AAAAAAAAAAAAAAAA" } },
        refused("ABORTED", "ETAG_MISMATCH", { ...notApplied, currentEtag: "<etag 1>" }),
      ),
    ],
  },
  {
    name: "Touch",
    steps: [
      storeHello,
      step(
        "Touch",
        { key, expiry: { after: "3600s" } },
        { existed: true, etag: "<etag 2>", expireTime: "<in an hour>" },
      ),
    ],
  },
  { name: "Touch of a missing key", steps: [step("Touch", { key, expiry: { never: {} } }, {})] },
  {
    name: "Touch without an expiry",
    steps: [step("Touch", { key }, refused("INVALID_ARGUMENT", "INVALID_EXPIRY", { ...notApplied, field: "expiry" }))],
  },
];
