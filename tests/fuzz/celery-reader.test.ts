import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createCelery } from "../../client/src/celery.js";
import { type DynakvClient, DynakvError } from "../../client/src/index.js";
import { createRandom } from "../../server/test/support/random.js";
import { suite } from "../../server/test/support/suite.js";
import { root } from "../../tools/root.js";
import { mutateBytes } from "./wire/mutate-bytes.js";

const test = suite("Celery's results, mutated");

const [, ...written] = readFileSync(join(root, "tests/interop/celery/written-results.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as { serializer: string; compression: string | null; value: string });

/** The reader alone: the bytes that a get would bring, without the way there. */
function readerOf(value: Uint8Array, options = {}) {
  const entry = { kind: "value", key: "k", value, etag: "e", writeTime: undefined, expireTime: undefined } as const;
  const client = { get: async () => entry } as unknown as DynakvClient;
  return createCelery(client, options);
}

/** What became of it: a value, or an error of the right type. Anything else fails the test. */
async function outcomeOf(reading: Promise<unknown>): Promise<string> {
  try {
    await reading;
    return "value";
  } catch (error) {
    assert.instance(error, DynakvError, String((error as Error).stack));
    assert.is((error as DynakvError).reason, "UNDECODABLE");
    return "undecodable";
  }
}

/** DYNAKV_CELERY_MUTATIONS=1000000 tries as many; each run of the tests tries the same. */
const mutations = Number(process.env.DYNAKV_CELERY_MUTATIONS ?? 1500);
const maxInflatedBytes = 1024 * 1024;

test("mutated bytes are a value or UNDECODABLE", async () => {
  const seen = new Map<string, number>();
  for (let seed = 0; seed < mutations; seed++) {
    const random = createRandom("celery", seed);
    const { value } = random.pick(written);
    const reader = readerOf(mutateBytes(random, Buffer.from(value, "base64")), { maxInflatedBytes });
    for (const outcome of await Promise.all([outcomeOf(reader.task("a")), outcomeOf(reader.group("a"))])) {
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    }
  }
  assert.equal([...seen.keys()].sort(), ["undecodable", "value"]);
});

test("of mutated JSON that is still JSON, nothing else is taken than JSON.parse takes", async () => {
  // Those whose numbers Python alone reads.
  const plain = written
    .filter(({ serializer, compression }) => serializer === "json" && compression === null)
    .map(({ value }) => Buffer.from(value, "base64"))
    .filter((bytes) => bytes.length < 2000 && !/NaN|Infinity/.test(bytes.toString()));
  const deserialize = (bytes: Uint8Array) => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  for (let seed = 0; seed < mutations; seed++) {
    const random = createRandom("celery json", seed);
    const bytes = mutateBytes(random, random.pick(plain));
    const [ours, theirs] = [readerOf(bytes), readerOf(bytes, { deserialize })];
    assert.is(await outcomeOf(ours.task("a")), await outcomeOf(theirs.task("a")), `seed ${seed}: ${bytes}`);
  }
});

test.run();
