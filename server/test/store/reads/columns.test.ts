import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import * as assert from "uvu/assert";
import { envelopeBytes } from "../../../../common/envelope.js";
import { MGetResponseSchema, ScanResponseSchema } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { toResult, toScanResult } from "../../../src/service/messages.js";
import { frameResults } from "../../../src/service/result-frames.js";
import { frameScanned } from "../../../src/service/scan-frames.js";
import { readAnswer, readItems } from "../../../src/store/dynamodb/answer.js";
import type { AnsweredItems } from "../../../src/store/dynamodb/answered-items.js";
import type { Item } from "../../../src/store/dynamodb/item.js";
import { createItemLayout } from "../../../src/store/layout/item-layout.js";
import { BatchAnswer } from "../../../src/store/reads/batch-answer.js";
import { decodeFound } from "../../../src/store/reads/decode-found.js";
import { groupsOf } from "../../../src/store/reads/result-group.js";
import { toPage } from "../../../src/store/reads/scan-table.js";
import { comparable } from "../../support/comparable.js";
import { suite } from "../../support/suite.js";

// Items that are left where they lie in an answer are answered as those that were parsed, whatever is in them.
const test = suite("columns");

const names = {
  table: "t",
  keyAttribute: "id",
  valueAttribute: "result",
  counterAttribute: "chord_count",
  writeTimeAttribute: "timestamp",
  expiryAttribute: "ttl",
  etagAttribute: "etag",
  requestsAttribute: "dynakv_requests",
  membersAttribute: "dynakv_members",
  exactExpiryAttribute: "dynakv_expiry_ms",
};
const layout = createItemLayout(names);
const nowMs = 1_790_000_000_500;
const asked = { RequestItems: { t: {} } };

const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 10 }),
  fc.constantFrom("__dynakv_archive__/x", 'a"b', "\\", "ключ", "\u{1f511}", ""),
);
const number = fc.oneof(
  fc.constantFrom(
    "0",
    "1790000000",
    "1790000000.5",
    "1790000001",
    "1790000000.1234567891",
    "12.",
    ".5",
    "1e9",
    "-5",
    "abc",
  ),
  fc.constantFrom("253402300799", "999999999999.999", "9999999999999", "1790000000.000", "007", "9007199254740993"),
  fc.integer({ min: 1_789_999_990, max: 1_790_000_010 }).map(String),
  fc.double({ min: 1.7e9, max: 1.9e9, noNaN: true }).map(String),
);
const base64 = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const attribute = fc.oneof(
  text.map((S) => ({ S })),
  number.map((N) => ({ N })),
  base64.map((B) => ({ B })),
  fc.constantFrom({ BOOL: true }, { NULL: true }, { L: [{ S: "}]" }] }, { M: { a: { B: "AAAA" } } }, { BS: ["AAAA"] }),
  // No item: refused alike.
  fc.constantFrom({ B: "A-_A" }, { B: "AAA" }, { B: 5 }, { S: 5 }, { S: "a", N: "1" }, {}, null, "text"),
);

/** Mostly what dynakv writes, and sometimes anything. */
const item = fc.record(
  {
    id: fc.oneof({ weight: 9, arbitrary: text.map((S) => ({ S }) as unknown) }, { weight: 1, arbitrary: attribute }),
    result: fc.oneof(
      { weight: 9, arbitrary: base64.map((B) => ({ B }) as unknown) },
      { weight: 1, arbitrary: attribute },
    ),
    timestamp: fc.oneof(
      { weight: 9, arbitrary: number.map((N) => ({ N }) as unknown) },
      { weight: 1, arbitrary: attribute },
    ),
    ttl: fc.oneof({ weight: 9, arbitrary: number.map((N) => ({ N }) as unknown) }, { weight: 1, arbitrary: attribute }),
    dynakv_expiry_ms: fc.option(
      fc
        .oneof(
          fc.constantFrom(
            "1790000000500",
            "1790000000501",
            "1790000000499.5",
            "1790000000000",
            "1790000001000",
            "abc",
            "",
          ),
          fc.integer({ min: 1_789_999_999_000, max: 1_790_000_001_000 }).map(String),
        )
        .map((N) => ({ N }) as unknown),
      { nil: undefined },
    ),
    etag: fc.oneof({ weight: 9, arbitrary: text.map((S) => ({ S }) as unknown) }, { weight: 1, arbitrary: attribute }),
    chord_count: fc.option(
      number.map((N) => ({ N }) as unknown),
      { nil: undefined, freq: 2 },
    ),
    dynakv_requests: fc.option(fc.constantFrom<unknown>({ M: {} }, { M: { gone: { N: "1" } } }), {
      nil: undefined,
      freq: 2,
    }),
    other: fc.option(attribute, { nil: undefined, freq: 2 }),
  },
  { requiredKeys: ["id"] },
);

/** How engines write JSON: with spaces or without, with more escapes than are needed, with members in any order. */
const spelling = fc.record({
  isSpaced: fc.boolean(),
  isEscaped: fc.boolean(),
  isReversed: fc.boolean(),
  cut: fc.option(fc.nat()),
});
type Spelling = typeof spelling extends fc.Arbitrary<infer T> ? T : never;

function spell(value: unknown, { isSpaced, isEscaped, isReversed }: Omit<Spelling, "cut">): string {
  const reversed = (each: unknown): unknown =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(
          Object.entries(each)
            .reverse()
            .map(([name, part]) => [name, reversed(part)]),
        )
      : Array.isArray(each)
        ? each.map(reversed)
        : each;
  let json = JSON.stringify(isReversed ? reversed(value) : value, undefined, isSpaced ? 1 : undefined);
  if (isEscaped) {
    json = json.replaceAll("/", "\\/").replaceAll("k", "\\u006b");
  }
  return json;
}

function outcome<T>(read: () => T): T | "refused" {
  try {
    return read();
  } catch (error) {
    if ((error as Error).name === "ForeignAnswerError") {
      return "refused";
    }
    throw error;
  }
}

const answerOf = (json: string) => ({
  status: 200,
  contentType: "application/x-amz-json-1.0",
  body: Buffer.from(json),
});

function listOf({ items }: { readonly items: AnsweredItems }): Item[] {
  return Array.from({ length: items.length }, (_, index) => items.item(index));
}

async function framesOf(frames: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  for await (const frame of frames) {
    assert.is(frame[0], 0);
    assert.is(frame.readUInt32BE(1), frame.length - envelopeBytes);
    messages.push(frame.subarray(envelopeBytes));
  }
  return messages;
}

async function* only<T>(one: T): AsyncGenerator<T> {
  yield one;
}

test("an answer holds the same items, parsed or scanned, or is refused both times", () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 5 }), spelling, (items, { cut, ...style }) => {
      const whole = spell({ Responses: { t: items }, UnprocessedKeys: {} }, style);
      const json = cut === null ? whole : whole.slice(0, cut % (whole.length + 1));
      const parsed = outcome(() => readAnswer<{ Responses: { t: Item[] } }>("BatchGetItem", asked, answerOf(json)));
      const scanned = outcome(() => readItems("BatchGetItem", asked, answerOf(json), layout.columns));
      assert.equal(
        comparable(scanned === "refused" ? scanned : listOf(scanned)),
        comparable(parsed === "refused" ? parsed : parsed.Responses.t),
      );
    }),
    { numRuns: 600 },
  );
});

/** As the only ones of the answer that nobody refuses. */
function readable(items: readonly unknown[]): { scanned: AnsweredItems; parsed: readonly Item[] } | undefined {
  const json = JSON.stringify({ Responses: { t: items } });
  const parsed = outcome(() => readAnswer<{ Responses: { t: Item[] } }>("BatchGetItem", asked, answerOf(json)));
  return parsed === "refused"
    ? undefined
    : {
        parsed: parsed.Responses.t,
        scanned: readItems("BatchGetItem", asked, answerOf(json), layout.columns).items,
      };
}

/** Those with an expiry that is no number at all have no time that protobuf could tell. */
const isTimely = (each: object) => !["abc", "12.", ".5"].includes((each as { ttl?: { N?: string } }).ttl?.N ?? "");

test("the messages of an MGet are byte by byte what protobuf makes of the items", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(item.filter(isTimely), { minLength: 1, maxLength: 5 }), async (items) => {
      const read = readable(items);
      if (read === undefined) {
        return;
      }
      // The last key is missing.
      const keys = [...read.parsed.map((each) => layout.keyOf(each)), "missing"];
      const positions = keys.map((_, place) => (place === 1 ? [1, 500] : place));
      const answer = new BatchAnswer(layout, { keys, positions, idleRounds: 0, throttled: false });
      answer.answer(read.scanned, nowMs);
      read.parsed.forEach((_, place) => {
        answer.found(place, place);
      });
      const [group] = [...groupsOf(answer)];
      assert.ok(group);
      const results = read.parsed.map((each, place) => [place, decodeFound(layout, each, nowMs)] as const);
      const expected = [...results, [keys.length - 1, undefined] as const].flatMap(([place, found]) => {
        const indexes = positions[place] as number | number[];
        return (typeof indexes === "number" ? [indexes] : indexes).map((index) =>
          toResult({ index, key: keys[place] as string, found }),
        );
      });
      const messages = await framesOf(frameResults(only(group)));
      const found = messages.flatMap((message) => fromBinary(MGetResponseSchema, message).results);
      assert.equal(comparable(found), comparable(expected));
      const bytes = expected.map((result) =>
        toBinary(MGetResponseSchema, create(MGetResponseSchema, { results: [result] })),
      );
      assert.equal(Buffer.concat(messages), Buffer.concat(bytes));
    }),
    { numRuns: 300 },
  );
});

test("and so are those of a scan", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(item.filter(isTimely), { minLength: 1, maxLength: 5 }), async (items) => {
      const read = readable(items);
      if (read === undefined) {
        return;
      }
      const results = read.parsed.flatMap((each) => {
        const found = decodeFound(layout, each, nowMs);
        return found === undefined ? [] : [toScanResult({ key: layout.keyOf(each), found })];
      });
      const cursor = `after ${layout.keyOf(read.parsed.at(-1) as Item)}`;
      const [message = Buffer.alloc(0), ...rest] = await framesOf(
        frameScanned(only(toPage(layout, read.scanned, nowMs)), (key) => `after ${key}`),
      );
      assert.is(rest.length, 0);
      assert.equal(message, Buffer.from(toBinary(ScanResponseSchema, create(ScanResponseSchema, { results, cursor }))));
    }),
    { numRuns: 150 },
  );
});

test("an ordinary item is not parsed, however an engine spells it", () => {
  const ordinary = {
    id: { S: "k" },
    result: { B: "AAAA" },
    timestamp: { N: "1.5" },
    ttl: { N: "9" },
    etag: { S: "e" },
  };
  for (const isSpaced of [true, false]) {
    for (const isReversed of [true, false]) {
      const json = spell({ Responses: { t: [ordinary] } }, { isSpaced, isReversed, isEscaped: false });
      const { items } = readItems("BatchGetItem", asked, answerOf(json), layout.columns);
      assert.ok(items.isOrdinary(0), json);
    }
  }
});

test("a message ends once it has much in it, and its results are those that were there", async () => {
  const value = Buffer.alloc(300_000, 5).toString("base64");
  const items = Array.from({ length: 9 }, (_, n) => ({ id: { S: `k${n}` }, result: { B: value }, etag: { S: "e" } }));
  const read = readable(items);
  assert.ok(read);
  const answer = new BatchAnswer(layout, {
    keys: items.map(({ id }) => id.S),
    positions: items.map((_, place) => place),
    idleRounds: 0,
    throttled: false,
  });
  answer.answer(read.scanned, nowMs);
  items.forEach((_, place) => {
    answer.found(place, place);
  });
  const [group] = [...groupsOf(answer)];
  assert.ok(group);
  const messages = await framesOf(frameResults(only(group)));
  const sizes = messages.map((message) => fromBinary(MGetResponseSchema, message).results.length);
  assert.equal(sizes, [4, 4, 1]);
});

test.run();
