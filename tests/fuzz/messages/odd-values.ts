import { createRequestIds } from "../../../server/src/store/counters/own-request-ids.js";
import type { Random } from "../../../server/test/support/random.js";

/** Stands in every key and value that is not there for its form: it must be in no log line and in no error. */
export const marker = "hunter2-must-not-be-told";

const keys: readonly string[] = [
  "",
  " ",
  marker,
  `${marker}-1`,
  `${marker}-counter`,
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "\0",
  "\n",
  "\u2028",
  "\ufeff",
  "\uffff",
  "\ud800",
  "a\udc00b",
  "\u{10ffff}",
  "é",
  "e\u0301",
  "b'celery-task-meta-abc'",
  "#key",
  ":value",
  "{}",
  "../../etc/passwd",
  "%00",
  "$ne",
  "'; drop table celery; --",
];

export function drawKey(random: Random): string {
  switch (random.below(12)) {
    case 0:
      return marker.padEnd(2046 + random.below(5), "k");
    case 1:
      return "é".repeat(1022 + random.below(5));
    case 2:
      return String.fromCodePoint(random.below(0x110000)).repeat(1 + random.below(3));
    default:
      return random.pick(keys);
  }
}

export function drawBytes(random: Random): Uint8Array {
  switch (random.below(20)) {
    case 0:
      return new Uint8Array();
    case 1:
      return new Uint8Array(409_500 + random.below(200));
    case 2:
      return Buffer.alloc(random.below(70_000), random.below(256));
    default:
      return Buffer.from(`${marker}${String.fromCharCode(random.below(256))}`, "latin1");
  }
}

const integers = [0, 1, -1, 2, 7, 255, 256, 65_536, 2 ** 31 - 1, -(2 ** 31)];

export function drawInteger(random: Random): number {
  return random.chance(0.7) ? random.pick(integers) : random.below(2 ** 31) - 2 ** 30;
}

const longs = [0n, 1n, -1n, 60n, 2n ** 31n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
/** Seconds around which timestamps and durations change: now, the end of 9999, and the most that they hold. */
const seconds = [
  1_700_000_000n,
  4_000_000_000n,
  253_402_300_799n,
  253_402_300_800n,
  315_576_000_000n,
  -62_135_596_801n,
];

export function drawLong(random: Random): bigint {
  return random.pick(random.chance(0.7) ? longs : seconds) + BigInt(random.below(3) - 1);
}

const ids = createRequestIds();

/** Ids of every age, and texts that are none. Those of now depend on the clock: nothing else here does. */
export async function createIds(): Promise<readonly string[]> {
  const fresh: string[] = [];
  for (let n = 0; n < 8; n++) {
    await ids.use(marker, async (id) => fresh.push(id));
  }
  return fresh;
}

const freshIds = await createIds();
const oddIds = [
  "",
  "00000000-0000-7000-8000-000000000000",
  "ffffffff-ffff-7fff-bfff-ffffffffffff",
  "018f2f6e-2b3c-7abc-9def-0123456789ab",
  "018F2F6E-2B3C-7ABC-9DEF-0123456789AB",
  "018f2f6e-2b3c-4abc-9def-0123456789ab",
  "not-an-id",
];

/** A text for a field that is no key: an etag, an id, or anything. */
export function drawText(random: Random, field: string): string {
  if (field === "request_id") {
    return random.pick(random.chance(0.5) ? freshIds : oddIds);
  }
  return random.chance(0.3)
    ? drawKey(random)
    : random.pick(["abcdefghijklmnop", "A".repeat(128), "x.1", "1".repeat(129)]);
}
