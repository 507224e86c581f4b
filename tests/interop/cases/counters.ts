import { type Case, refused, step } from "./case.js";

const key = "<key>";
const beyondDoubles = "9007199254740993";
const highest = "9223372036854775807";
const lowest = "-9223372036854775808";
const notApplied = { outcome: "OUTCOME_NOT_APPLIED" } as const;
const outOfBounds = refused("OUT_OF_RANGE", "OUT_OF_BOUNDS", notApplied);

export const counterCases: readonly Case[] = [
  {
    name: "Incr, and Get of the counter",
    steps: [
      step("Incr", { key }, { value: "1", etag: "<etag 1>" }),
      step("Incr", { key, delta: "-3" }, { value: "-2", etag: "<etag 2>" }),
      step("Get", { key }, { entry: { counter: "-2", writeTime: "<now>", etag: "<etag 2>" } }),
    ],
  },
  {
    name: "Incr by 2^53 + 1",
    steps: [
      step("Incr", { key, delta: beyondDoubles }, { value: beyondDoubles, etag: "<etag 1>" }),
      step("Incr", { key, delta: beyondDoubles }, { value: "18014398509481986", etag: "<etag 2>" }),
    ],
  },
  {
    name: "Incr from a start, with an expiry",
    steps: [
      step(
        "Incr",
        { key, initial: "40", delta: "2", expiry: { after: "3600s" } },
        { value: "42", etag: "<etag 1>", expireTime: "<in an hour>" },
      ),
    ],
  },
  {
    name: "Incr by 0 at 0",
    steps: [step("Incr", { key, delta: "0" }, { etag: "<etag 1>" })],
  },
  {
    name: "Incr past the highest int64",
    steps: [
      step("Incr", { key, delta: highest }, { value: highest, etag: "<etag 1>" }),
      step("Incr", { key }, outOfBounds),
    ],
  },
  {
    name: "Incr past the lowest int64",
    steps: [
      step("Incr", { key, delta: lowest }, { value: lowest, etag: "<etag 1>" }),
      step("Incr", { key, delta: "-1" }, outOfBounds),
    ],
  },
  {
    name: "Incr past a bound",
    steps: [
      step("Incr", { key, max: "1" }, { value: "1", etag: "<etag 1>" }),
      step("Incr", { key, max: "1" }, outOfBounds),
      step("Get", { key }, { entry: { counter: "1", writeTime: "<now>", etag: "<etag 1>" } }),
    ],
  },
  {
    name: "Incr on a value",
    steps: [
      step("Set", { key, value: "" }, { etag: "<etag 1>", writeTime: "<now>" }),
      step("Incr", { key }, refused("FAILED_PRECONDITION", "WRONG_KIND", { ...notApplied, currentEtag: "<etag 1>" })),
    ],
  },
  {
    name: "Incr again with the same request id",
    steps: [
      step("Incr", { key, requestId: "<id 1>" }, { value: "1", etag: "<etag 1>" }),
      step("Incr", { key }, { value: "2", etag: "<etag 2>" }),
      step("Incr", { key, requestId: "<id 1>" }, { value: "1", etag: "<etag 1>", replayed: true }),
    ],
  },
  {
    name: "Incr with a request id of another form",
    steps: [
      step(
        "Incr",
        { key, requestId: "f47ac10b-58cc-4372-a567-0e02b2c3d479" },
        refused("INVALID_ARGUMENT", "INVALID_FIELD", { ...notApplied, field: "request_id" }),
      ),
    ],
  },
  {
    // Whether an earlier request with this id was applied is not known any more.
    name: "Incr with a request id too old",
    steps: [
      step(
        "Incr",
        { key, requestId: "<old id>" },
        refused("FAILED_PRECONDITION", "REQUEST_TOO_OLD", { outcome: "OUTCOME_UNKNOWN", field: "request_id" }),
      ),
    ],
  },
];
