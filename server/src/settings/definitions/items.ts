import { attribute, type Definition, seconds } from "./definition.js";

/** The attributes of items, and what they remember of requests. */
export const itemDefinitions = {
  keyAttribute: { ...attribute, default: "id", help: "partition key of the table (S)" },
  valueAttribute: { ...attribute, default: "result", help: "attribute of a value (B)" },
  counterAttribute: { ...attribute, default: "chord_count", help: "attribute of a counter (N)" },
  writeTimeAttribute: { ...attribute, default: "timestamp", help: "attribute of the write time (N, epoch seconds)" },
  expiryAttribute: { ...attribute, default: "ttl", help: "attribute of the expiry (N, whole epoch seconds)" },
  etagAttribute: { ...attribute, default: "etag", help: "attribute of the etag of what dynakv wrote (S)" },
  requestsAttribute: {
    ...attribute,
    default: "dynakv_requests",
    help: "attribute of a counter's deduplication state (M)",
  },
  membersAttribute: {
    ...attribute,
    default: "dynakv_members",
    help: "attribute of a counter's members (BS)",
  },
  exactExpiryAttribute: {
    ...attribute,
    default: "dynakv_expires",
    help: "attribute of the expiry to the millisecond, beside `expiryAttribute` (N, epoch milliseconds)",
  },
  requestWindowSeconds: {
    ...seconds,
    default: 600,
    range: [60, 86_400],
    help: "deduplication window: how long an increment can be retried with its request id",
  },
  requestSlots: {
    type: "integer",
    default: 32,
    range: [4, 128],
    help: "request ids kept in a counter's own item, at some 27 bytes each; older ones move to archive items",
  },
} as const satisfies Record<string, Definition>;
