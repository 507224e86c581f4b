import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import * as assert from "uvu/assert";
import {
  MGetResponseSchema,
  type MGetResultSchema,
  ScanResponseSchema,
  type ScanResultSchema,
} from "../../gen/dynakv/v1/key_value_service_pb.js";
import { comparable } from "../../server/test/support/comparable.js";
import { suite } from "../../server/test/support/suite.js";
import { decodedResults, type FoundResults } from "../src/results/found-results.js";
import { mgetFields, readWireResults, scanFields } from "../src/results/wire-results.js";

// Results that are read from the bytes of a message are those that protobuf reads.
const test = suite("wire results");

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Uint8Array.from(each));
const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: "grapheme", maxLength: 10 }));
const time = fc.record({
  seconds: fc.oneof(
    fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }),
    fc.constantFrom(0n, 1n, -1n, 1_790_000_000n, 127n, 128n),
  ),
  nanos: fc.oneof(fc.nat(999_999_999), fc.constantFrom(0, 999_999_999, 500_000)),
});
const entry = fc.record({
  data: fc.oneof(
    { weight: 4, arbitrary: bytes.map((value) => ({ case: "value" as const, value })) },
    { weight: 1, arbitrary: int64.map((value) => ({ case: "counter" as const, value })) },
  ),
  writeTime: fc.option(time, { nil: undefined }),
  expireTime: fc.option(time, { nil: undefined }),
  etag: text,
});
const found = entry.map((value) => ({ case: "entry" as const, value }));
const failed = text.map((message) => ({ case: "error" as const, value: { message } }));
const missing = fc.constant({ case: "missing" as const, value: {} });
const often = { weight: 8, arbitrary: found };

const mgetResults: fc.Arbitrary<MessageInitShape<typeof MGetResultSchema>[]> = fc.array(
  fc.record({
    index: fc.oneof(fc.nat(300), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 31)),
    key: text,
    result: fc.oneof(often, { weight: 3, arbitrary: missing }, { weight: 1, arbitrary: failed }),
  }),
  { maxLength: 5 },
);
const scanResults: fc.Arbitrary<MessageInitShape<typeof ScanResultSchema>[]> = fc.array(
  fc.record({ key: text, result: fc.oneof(often, { weight: 1, arbitrary: failed }) }),
  { maxLength: 5 },
);

function describe(results: FoundResults, hasIndexes = true): unknown {
  return Array.from({ length: results.length }, (_, nth) => {
    const kind = results.kind(nth);
    return {
      index: hasIndexes ? results.index(nth) : undefined,
      key: results.key(nth),
      kind,
      entry: kind === "entry" ? comparable(results.entry(nth, "k")) : undefined,
    };
  });
}

function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return "refused";
  }
}

test("the results of an mget are those that protobuf reads, also of many messages one after another", () => {
  fc.assert(
    fc.property(mgetResults, mgetResults, (first, second) => {
      const parts = [first, second].map((results) =>
        toBinary(MGetResponseSchema, create(MGetResponseSchema, { results })),
      );
      const message = Buffer.concat(parts);
      const wire = readWireResults(message, mgetFields);
      const { results } = fromBinary(MGetResponseSchema, message);
      assert.is(wire === undefined, hasOthers(results));
      if (wire !== undefined) {
        assert.equal(describe(wire.results), describe(decodedResults(results)));
      }
    }),
    { numRuns: 500 },
  );
});

/** What is left to protobuf: errors, and times from before 1970. */
function hasOthers(results: readonly { readonly result: { case: string | undefined; value?: unknown } }[]): boolean {
  return results.some(({ result }) => {
    const { writeTime, expireTime } = (result.value ?? {}) as { writeTime?: Time; expireTime?: Time };
    return result.case === "error" || [writeTime, expireTime].some((each) => each !== undefined && each.seconds < 0n);
  });
}
interface Time {
  readonly seconds: bigint;
}

test("those of a scan are, with the cursor and the keys", () => {
  fc.assert(
    fc.property(scanResults, text, (results, cursor) => {
      const message = Buffer.from(toBinary(ScanResponseSchema, create(ScanResponseSchema, { results, cursor })));
      const wire = readWireResults(message, scanFields);
      const whole = fromBinary(ScanResponseSchema, message);
      assert.is(wire === undefined, hasOthers(whole.results));
      if (wire !== undefined) {
        assert.is(wire.cursor, cursor);
        assert.equal(describe(wire.results, false), describe(decodedResults(whole.results), false));
      }
    }),
    { numRuns: 300 },
  );
});

test("of bytes that were changed nothing is read but what protobuf reads", () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.option(fc.nat()) });
  fc.assert(
    fc.property(mgetResults, change, (results, { at, byte, cut }) => {
      const message = Buffer.from(toBinary(MGetResponseSchema, create(MGetResponseSchema, { results })));
      message[at % Math.max(1, message.length)] = byte;
      const spoilt = cut === null ? message : message.subarray(0, cut % (message.length + 1));
      const read = outcome(() => {
        const wire = readWireResults(spoilt, mgetFields);
        return wire && describe(wire.results);
      });
      if (read !== undefined) {
        assert.equal(
          read,
          outcome(() => describe(decodedResults(fromBinary(MGetResponseSchema, spoilt).results))),
        );
      }
    }),
    { numRuns: 1000 },
  );
});

test.run();
