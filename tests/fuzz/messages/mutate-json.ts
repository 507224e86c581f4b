import type { Random } from "../../../server/test/support/random.js";

type Json = unknown;

const oddValues: readonly Json[] = [
  null,
  true,
  "",
  "null",
  0,
  -1,
  1.5,
  1e308,
  9007199254740991,
  "9223372036854775808",
  "-9223372036854775809",
  "1e3",
  "NaN",
  "Infinity",
  "-0",
  "=",
  "a===",
  "\u0000",
  "1970-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999Z",
  "99999-01-01T00:00:00Z",
  "-1s",
  "315576000001s",
  "1.5.5s",
  [],
  {},
  [[]],
  { "": {} },
  ["a", null],
];
const oddNames = [
  "",
  "key",
  "Key",
  "__proto__",
  "constructor",
  "toString",
  "if_etag",
  "ifEtag",
  "@type",
  "[a.b]",
  "unknown",
];

/** A JSON document with one to three of its values or names replaced, removed, wrapped or added. */
export function mutateJson(random: Random, json: Json): Json {
  let mutated = json;
  for (let times = 1 + random.below(3); times > 0; times--) {
    mutated = mutateOne(random, mutated);
  }
  return mutated;
}

function mutateOne(random: Random, json: Json): Json {
  if (typeof json !== "object" || json === null || random.chance(0.1)) {
    return random.chance(0.8) ? random.pick(oddValues) : [json];
  }
  if (Array.isArray(json)) {
    const at = random.below(json.length + 1);
    return at === json.length ? [...json, random.pick(oddValues)] : json.with(at, mutateOne(random, json[at]));
  }
  const entries = Object.entries(json);
  const at = random.below(entries.length + 1);
  const entry = entries[at];
  if (entry === undefined) {
    return fromEntries([...entries, [random.pick(oddNames), random.pick(oddValues)]]);
  }
  const [name, value] = entry;
  return fromEntries(
    random.chance(0.2)
      ? entries.with(at, [random.pick(oddNames), value])
      : random.chance(0.1)
        ? entries.toSpliced(at, 1)
        : entries.with(at, [name, mutateOne(random, value)]),
  );
}

/** As JSON.parse makes them: `__proto__` is a name like any other. */
function fromEntries(entries: readonly (readonly [string, Json])[]): Json {
  return Object.fromEntries(entries);
}
