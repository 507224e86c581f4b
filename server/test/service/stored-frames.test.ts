import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as assert from "uvu/assert";
import { envelopeBytes } from "../../../common/envelope.js";
import { ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import { MSetResponseSchema, MSetResultSchema } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { DynakvError } from "../../src/errors/dynakv-error.js";
import { toResultError, toSetResponse } from "../../src/service/messages.js";
import { frameStored } from "../../src/service/stored-frames.js";
import type { SetResult } from "../../src/store/writes/set-entry.js";
import { suite } from "../support/suite.js";

const test = suite("Messages of an MSet");

const nowMs = 1_790_000_000_123;
const plain: SetResult = { etag: "mbg4b15hgZB0gBrc", writtenAtMs: nowMs, expireAtMs: undefined };
const results: (SetResult | DynakvError)[] = [
  plain,
  { ...plain, etag: "vmz1M8KaXSCJqvU0.-9223372036854775808" },
  { ...plain, writtenAtMs: 1_790_000_000_000, expireAtMs: nowMs + 1 },
  { ...plain, expireAtMs: 0 },
  { ...plain, expireAtMs: -1 },
  { ...plain, expireAtMs: 400_000_000_000_000 },
  { ...plain, writtenAtMs: -1500 },
  {
    ...plain,
    previous: { data: { kind: "counter", counter: -3n }, writeTime: undefined, expireAtMs: nowMs, etag: "e" },
  },
  new DynakvError(ErrorReason.THROTTLED, "DynamoDB throttled the request", {
    outcome: Outcome.NOT_APPLIED,
    retryAfterMs: 1000,
  }),
];

test("are, byte by byte, those that protobuf makes", async () => {
  const keys = Array.from({ length: 450 }, (_, n) => `${n % 3 === 0 ? "ключ" : "key"}:${"k".repeat(n)}`);
  const group = keys.map((_, index) => ({
    index,
    written: results[index % results.length] as SetResult | DynakvError,
  }));
  let position = 0;
  for await (const frame of frameStored(keys, groups())) {
    const { results: read } = fromBinary(MSetResponseSchema, frame.subarray(envelopeBytes));
    const expected = group.slice(position, position + read.length).map(({ index, written }) =>
      create(MSetResultSchema, {
        index,
        key: keys[index] as string,
        result:
          written instanceof DynakvError
            ? { case: "error", value: toResultError(written) }
            : { case: "stored", value: toSetResponse(written) },
      }),
    );
    assert.equal(frame.readUInt32BE(1), frame.length - envelopeBytes);
    assert.equal(
      frame.subarray(envelopeBytes).toString("hex"),
      Buffer.from(toBinary(MSetResponseSchema, create(MSetResponseSchema, { results: expected }))).toString("hex"),
    );
    position += read.length;
  }
  assert.is(position, keys.length);

  async function* groups() {
    yield group.slice(0, 7);
    yield group.slice(7);
  }
});

test.run();
