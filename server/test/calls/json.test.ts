import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import * as assert from "uvu/assert";
import { suite } from "../support/suite.js";
import { startTestServer, type TestServer } from "../support/test-server.js";

const test = suite("requests in JSON");
let server: TestServer;

test.before(async () => {
  server = await startTestServer();
});

test.after(() => server.stop());

interface JsonAnswer {
  readonly status: number;
  readonly code?: string;
  readonly field?: string | undefined;
  readonly outcome?: string;
  readonly body: Record<string, unknown>;
}

async function read(response: Response): Promise<JsonAnswer> {
  const text = await response.text();
  const body = JSON.parse(text === "" ? "{}" : (text.trim().split("\n").at(-1) ?? "{}"));
  const { code, details = [] } = (body.error ?? body) as {
    code?: string;
    details?: { type: string; debug?: object }[];
  };
  const detail = details.find(({ type }) => type === "dynakv.v1.ErrorDetail")?.debug as
    | { outcome?: string }
    | undefined;
  return { status: response.status, body, ...(code && { code }), ...(detail?.outcome && { outcome: detail.outcome }) };
}

async function post(method: string, json: string | Uint8Array, headers: Record<string, string> = {}) {
  const url = `${server.url}/dynakv.v1.KeyValueService/${method}`;
  const body = typeof json === "string" ? json : new Uint8Array(json);
  return read(await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body }));
}

/** Latin-1: what stands in it past ASCII is no UTF-8. */
const latin1 = (text: string) => Buffer.from(text, "latin1");

/** Of a stream of Connect's: flags, length, message. */
function enveloped(message: Uint8Array): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

test("JSON that is not UTF-8 is refused by every method, and nothing is stored under another key", async () => {
  for (const key of ["caf\xe9", "caf\xe8", "\xff", "a\xc0\xafb"]) {
    const bodies: [string, string][] = [
      ["Get", `{"key":"${key}"}`],
      ["Set", `{"key":"${key}","value":"aGVsbG8="}`],
      ["Incr", `{"key":"${key}"}`],
      ["Touch", `{"key":"${key}","expiry":{"never":{}}}`],
      ["Delete", `{"key":"${key}"}`],
      ["MGet", `{"keys":["a","${key}"]}`],
      ["Scan", `{"prefix":"${key}"}`],
      ["Set", `{"key":"k","value":"aGVsbG8=","condition":{"ifEtag":"${key}"}}`],
    ];
    for (const [method, json] of bodies) {
      for (const [body, headers] of [
        [latin1(json), {}],
        [gzipSync(latin1(json)), { "content-encoding": "gzip" }],
      ] as const) {
        if ("content-encoding" in headers && ["MGet", "Scan"].includes(method)) {
          continue;
        }
        const { status, code } = await post(method, body, headers);
        assert.equal([status, code], [400, "invalid_argument"], `${method} ${JSON.stringify(key)}`);
      }
    }
  }
  assert.is(await server.rawItem("caf\ufffd"), undefined);
});

test("a refused write says that it was not applied", async () => {
  assert.is((await post("Set", latin1('{"key":"caf\xe9","value":"aGVsbG8="}'))).outcome, "OUTCOME_NOT_APPLIED");
  assert.is((await post("Incr", '{"key":"n","delta":"0x10"}')).outcome, "OUTCOME_NOT_APPLIED");
});

test("JSON that is not UTF-8 is refused in envelopes, and in the URL of a GET", async () => {
  const url = `${server.url}/dynakv.v1.KeyValueService`;
  const stream = await fetch(`${url}/MGet`, {
    method: "POST",
    headers: { "content-type": "application/connect+json" },
    body: new Uint8Array(enveloped(latin1('{"keys":["caf\xe9"]}'))),
  });
  assert.match(Buffer.from(await stream.arrayBuffer()).toString("latin1"), '"code":"invalid_argument"');
  const base64 = latin1('{"key":"caf\xe9"}').toString("base64url");
  for (const query of [
    `connect=v1&encoding=json&message=${encodeURIComponent('{"key":"caf')}%e9${encodeURIComponent('"}')}`,
    `connect=v1&encoding=json&base64=1&message=${base64}`,
  ]) {
    const { status, code } = await read(await fetch(`${url}/Get?${query}`));
    assert.equal([status, code], [400, "invalid_argument"], query);
  }
});

test("a long number where a string belongs is refused, and is not stored as one", async () => {
  for (const json of [
    '{"key":12345678901234567890}',
    '{"key":"k","requestId":12345678901234567890}',
    '{"key":"k","member":12345678901234567890}',
    '{"key":12345678901234567890,"delta":1}',
  ]) {
    assert.is((await post("Incr", json)).code, "invalid_argument", json);
  }
  assert.is((await post("Set", '{"key":"k","value":12345678901234567890}')).code, "invalid_argument");
  assert.is((await post("Set", '{"key":"k","condition":{"ifEtag":12345678901234567890}}')).code, "invalid_argument");
  assert.is(await server.rawItem("12345678901234567890"), undefined);
});

test("JSON that is nested without end is refused", async () => {
  for (const open of ["{", "[", '{"a":']) {
    const { status } = await post("Get", gzipSync(open.repeat(200_000)), { "content-encoding": "gzip" });
    assert.is(status, 400, open);
  }
  assert.is((await post("Get", '{"key":"k"}')).status, 200);
});

test("an envelope of gRPC with flags that it does not know is refused", async () => {
  const message = enveloped(latin1('{"key":"flags","value":"aGVsbG8="}'));
  for (const flags of [2, 4, 8, 64]) {
    const body = new Uint8Array(message);
    body[0] = flags;
    const url = `${server.url}/dynakv.v1.KeyValueService/Set`;
    const headers = { "content-type": "application/grpc-web+json" };
    const response = await fetch(url, { method: "POST", headers, body });
    const text = response.headers.get("grpc-status") ?? (await response.text());
    assert.match(text, /grpc-status: ?[1-9]|^[1-9]/, String(flags));
  }
  assert.is(await server.rawItem("flags"), undefined);
});

test("a GET of compressed JSON is held to the same", async () => {
  const url = `${server.url}/dynakv.v1.KeyValueService/Get?connect=v1&encoding=json&base64=1&compression=gzip&message=`;
  const get = async (json: Uint8Array) => read(await fetch(url + gzipSync(json).toString("base64url")));
  await server.client.set({ key: "compressed", value: Buffer.from("v") });
  assert.is((await get(latin1('{"key":"compressed"}'))).status, 200);
  assert.is((await get(latin1('{"key":"caf\xe9"}'))).code, "invalid_argument");
  assert.is((await read(await fetch(`${url}bm90IGd6aXA`))).status, 400);
});

test("a GET of JSON is answered, percent-encoded and in base64, with keys past ASCII", async () => {
  for (const key of ["k", "café", "a+b c&d=e%", "鍵🔑"]) {
    await server.client.set({ key, value: Buffer.from("v") });
    const json = JSON.stringify({ key });
    for (const query of [
      `message=${encodeURIComponent(json)}`,
      `base64=1&message=${Buffer.from(json).toString("base64url")}`,
    ]) {
      const url = `${server.url}/dynakv.v1.KeyValueService/Get?connect=v1&encoding=json&${query}`;
      const { status, body } = await read(await fetch(url));
      assert.is(status, 200, query);
      assert.is((body.entry as { value: string }).value, "dg==", query);
    }
  }
});

test("numbers of 64 bits are exact in every field, with and without quotes", async () => {
  let n = 0;
  for (const number of [
    "9007199254740993",
    "-9007199254740993",
    "-9223372036854775807",
    "9223372036854775807",
    "-9223372036854775808",
    "9007199254740991",
    "0",
    "-0",
    "1000000000000000003",
  ]) {
    for (const written of [number, `"${number}"`, ` ${number} `]) {
      if (written === '"-0"') {
        continue;
      }
      const exact = String(BigInt(number));
      const { body } = await post("Incr", `{"key":"delta-${n++}","delta":${written}}`);
      assert.is(body.value ?? "0", exact, `delta ${written}`);
      const initial = await post("Incr", `{"key":"initial-${n++}","delta":0,"initial":${written}}`);
      assert.is(initial.body.value ?? "0", exact, `initial ${written}`);
      const bounded = await post(
        "Incr",
        `{"key":"min-${n++}","delta":0,"initial":"${exact}","min":${written},"max":${written}}`,
      );
      assert.is(bounded.body.value ?? "0", exact, `min and max ${written}`);
    }
  }
  // One less than the least that it may be: rounded, both bounds would be the same number.
  const refused = await post("Incr", '{"key":"least","delta":0,"initial":"9007199254740992","min":9007199254740993}');
  assert.is(refused.code, "out_of_range");
});

/** By ProtoJSON, each as it stands in the field. What is accepted is given with the request that it is the same as. */
const incr = (delta: string) => `{"key":"spelling","initial":"5","delta":${delta}}`;
const set = (rest: string) => `{"key":"spelling","value":"aGVsbG8="${rest}}`;

const refused: Record<string, [method: string, json: string]> = {
  "a fraction": ["Incr", incr("1.5")],
  "a fraction past 2^53": ["Incr", incr("9007199254740993.5")],
  "an integer with an exponent that a double rounds": ["Incr", incr("9.007199254740993e15")],
  "a short one that a double rounds": ["Incr", incr("123456789012345e3")],
  "past 64 bits": ["Incr", incr("9223372036854775808")],
  "past 64 bits in quotes": ["Incr", incr('"9223372036854775808"')],
  "far past 64 bits": ["Incr", incr("1e400")],
  hexadecimal: ["Incr", incr('"0x10"')],
  octal: ["Incr", incr('"0o17"')],
  binary: ["Incr", incr('"0b11"')],
  "an empty string for a number": ["Incr", incr('""')],
  "space around a number": ["Incr", incr('" 12 "')],
  "a plus": ["Incr", incr('"+5"')],
  "a plus without quotes": ["Incr", incr("+5")],
  "leading zeros": ["Incr", incr('"007"')],
  "leading zeros without quotes": ["Incr", incr("007")],
  "a BigInt": ["Incr", incr("5n")],
  "a number with a separator": ["Incr", incr('"1_000"')],
  "true for a number": ["Incr", incr("true")],
  "a list for a number": ["Incr", incr("[1]")],
  "NaN for a number": ["Incr", incr("NaN")],
  "a number for a string": ["Get", '{"key":5}'],
  "true for a string": ["Get", '{"key":true}'],
  "half of a surrogate pair": ["Get", '{"key":"\\ud83d"}'],
  "half of a surrogate pair in an etag": ["Set", set(',"condition":{"ifEtag":"\\ud83d"}')],
  "half of a surrogate pair in a list": ["MGet", '{"keys":["\\udd11"]}'],
  "null in a list": ["MGet", '{"keys":["a",null]}'],
  "a string for a list": ["MGet", '{"keys":"a"}'],
  "base64 with space": ["Set", '{"key":"spelling","value":"aGVs bG8="}'],
  "base64 with a newline": ["Set", '{"key":"spelling","value":"aGVs\\nbG8="}'],
  "base64 with padding in the middle": ["Set", '{"key":"spelling","value":"aGVsbA==aGVsbA=="}'],
  "base64 that is cut": ["Set", '{"key":"spelling","value":"aGVsb"}'],
  "base64 of both alphabets": ["Set", '{"key":"spelling","value":"-_+/"}'],
  "base64 with too much padding": ["Set", '{"key":"spelling","value":"aGVsbG8=="}'],
  "a list of bytes": ["Set", '{"key":"spelling","value":[1,2]}'],
  "a duration without a unit": ["Set", set(',"expiry":{"after":"60"}')],
  "a duration in minutes": ["Set", set(',"expiry":{"after":"1m"}')],
  "a duration as a number": ["Set", set(',"expiry":{"after":60}')],
  "a duration with ten decimals": ["Set", set(',"expiry":{"after":"1.0123456789s"}')],
  "a day that does not exist": ["Set", set(',"expiry":{"at":"2039-02-31T00:00:00Z"}')],
  "a leap day of another year": ["Set", set(',"expiry":{"at":"2039-02-29T00:00:00Z"}')],
  "an hour that does not exist": ["Set", set(',"expiry":{"at":"2039-01-31T25:00:00Z"}')],
  "a time without an offset": ["Set", set(',"expiry":{"at":"2039-01-31T00:00:00"}')],
  "a time with a small z": ["Set", set(',"expiry":{"at":"2039-01-31T00:00:00z"}')],
  "a time with a space": ["Set", set(',"expiry":{"at":"2039-01-31 00:00:00Z"}')],
  "a time as a number": ["Set", set(',"expiry":{"at":2180000000}')],
  "an enum that there is not": ["Get", '{"key":"k","consistency":"CONSISTENCY_ABSOLUTE"}'],
  "an enum in other letters": ["Get", '{"key":"k","consistency":"consistency_strong"}'],
  "an enum's number in quotes": ["Get", '{"key":"k","consistency":"2"}'],
  "an enum as a fraction": ["Get", '{"key":"k","consistency":1.5}'],
  "two of a oneof": ["Set", set(',"condition":{"ifAbsent":{},"ifPresent":{}}')],
  "a field twice": ["Set", '{"key":"spelling","value":"aGVsbG8=","key":"other"}'],
  "a field twice, once with an escape": ["Set", '{"key":"spelling","value":"aGVsbG8=","\\u006bey":"other"}'],
  "a field by both of its names": ["Incr", '{"key":"spelling","requestId":"","request_id":""}'],
  "a field twice within a message": ["Set", set(',"expiry":{"after":"60s","after":"1s"}')],
  "a field in other letters": ["Set", '{"Key":"spelling","value":"aGVsbG8="}'],
  "a field that there is not": ["Set", set(',"ttl":60')],
  "a list for the request": ["Get", '[{"key":"k"}]'],
  "a string for the request": ["Get", '"k"'],
  "null for the request": ["Get", "null"],
  "nothing at all": ["Get", ""],
  "two documents": ["Get", '{"key":"k"}{"key":"k"}'],
  "a trailing comma": ["Get", '{"key":"k",}'],
  "a comment": ["Get", '{"key":"k"}//'],
  "single quotes": ["Get", "{'key':'k'}"],
  "a byte order mark hides nothing": ["Incr", `\ufeff${incr('"0x10"')}`],
};

test("what is no ProtoJSON of the schema is refused, and changes nothing", async () => {
  await server.client.set({ key: "other", value: Buffer.from("untouched") });
  for (const [name, [method, json]] of Object.entries(refused)) {
    const { status, code } = await post(method, json);
    assert.equal([status, code], [400, "invalid_argument"], name);
  }
  assert.is(await server.rawItem("spelling"), undefined);
  assert.is(
    Buffer.from((await server.client.get({ key: "other" })).entry?.data.value as Uint8Array).toString(),
    "untouched",
  );
});

test("every spelling that ProtoJSON has is accepted", async () => {
  let n = 0;
  for (const [delta, added] of [
    ["7", 7n],
    ['"7"', 7n],
    ["7.0", 7n],
    ["7e2", 700n],
    ["70e-1", 7n],
    ["-7", -7n],
    ["null", 1n],
  ] as const) {
    const { body, status } = await post("Incr", `{"key":"accepted-${n++}","delta":${delta}}`);
    assert.equal([status, BigInt(body.value as string)], [200, added], delta);
  }
  for (const [value, bytes] of [
    ["aGVsbG8=", "hello"],
    ["aGVsbG8", "hello"],
    ["", ""],
    ["-_-_", "\xfb\xff\xbf"],
    ["+/+/", "\xfb\xff\xbf"],
  ] as const) {
    assert.is((await post("Set", JSON.stringify({ key: "accepted", value }))).status, 200, value);
    const stored = (await server.client.get({ key: "accepted" })).entry?.data.value as Uint8Array;
    assert.is(Buffer.from(stored).toString("latin1"), bytes, value);
  }
  for (const rest of [
    ',"expiry":{"after":"60s"}',
    ',"expiry":{"after":"60.5s"}',
    ',"expiry":{"after":"60.000000001s"}',
    ',"expiry":{"at":"2039-01-31T12:00:00Z"}',
    ',"expiry":{"at":"2039-01-31T12:00:00.123456789Z"}',
    ',"expiry":{"at":"2039-01-31T12:00:00+02:00"}',
    ',"expiry":{"at":"2040-02-29T12:00:00-11:30"}',
    ',"expiry":{"never":{}}',
    ',"expiry":null',
    ',"condition":null',
    ',"condition":{"ifPresent":{}}',
  ]) {
    const { status, body } = await post("Set", `{"key":"accepted","value":"aGVsbG8="${rest}}`);
    assert.is(status, 200, `${rest} ${JSON.stringify(body)}`);
  }
  for (const consistency of ['"CONSISTENCY_STRONG"', "2", "null"]) {
    assert.is((await post("Get", `{"key":"accepted","consistency":${consistency}}`)).status, 200, consistency);
  }
  const escaped = await post("Get", '{"\\u006bey":"\\u0061ccepted"}');
  assert.is(escaped.status, 200);
  assert.ok(escaped.body.entry);
  const emoji = await post("Set", '{"key":"\\ud83d\\udd11","value":""}');
  assert.is(emoji.status, 200);
  assert.ok(await server.rawItem("🔑"));
});

test("a large value is exact in the JSON of every answer that has one, and so is the length that is announced", async () => {
  const call = (method: string, request: object) =>
    fetch(`${server.url}/dynakv.v1.KeyValueService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    });
  for (const length of [16_383, 16_384, 49_153, 390_002]) {
    const value = randomBytes(length);
    const key = `large "${length}"`;
    await server.client.set({ key, value });
    const answers = [
      await call("Get", { key }),
      await fetch(
        `${server.url}/dynakv.v1.KeyValueService/Get?encoding=json&message=${encodeURIComponent(JSON.stringify({ key }))}`,
      ),
      await call("Touch", { key, expiry: { after: "60s" }, returnEntry: true }),
      await call("Set", { key, value: "", returnPrevious: true }),
    ];
    for (const answer of answers) {
      const text = await answer.text();
      assert.is(Number(answer.headers.get("content-length")), text.length);
      const { entry, previous } = JSON.parse(text);
      assert.ok(Buffer.from((entry ?? previous).value, "base64").equals(value), `${length} ${answer.url}`);
      assert.ok((entry ?? previous).etag);
    }
  }
});

test("JSON of one message has a limit, which its error names; that of many writes has a larger one", async () => {
  const value = "A".repeat(540_000);
  const sized = (bytes: number) => {
    const json = JSON.stringify({ key: "sized", value });
    return `${" ".repeat(bytes - json.length)}${json}`;
  };
  assert.is((await post("Set", sized(1_048_576))).status, 200);
  const { status, code, outcome, body } = await post("Set", sized(1_048_577));
  assert.equal([status, code, outcome], [400, "invalid_argument", "OUTCOME_NOT_APPLIED"]);
  assert.match(String(body.message), /1048577 bytes; the limit is 1048576/);
  const entries = Array.from({ length: 4 }, (_, n) => ({ key: `sized ${n}`, value }));
  assert.is((await post("MSet", JSON.stringify({ entries }))).status, 200);
  for (const { key } of entries) {
    assert.ok(await server.rawItem(key), key);
  }
});

test("a string ends at the first quote that no backslash escapes", async () => {
  for (const key of ['"', "\\", '\\"', '"\\', 'a\\\\"b"', '\\u0022"']) {
    const text = JSON.stringify(key);
    assert.is((await post("Set", `{"key" \t\r\n : ${text},"value":"aGVsbG8="}`)).status, 200, text);
    assert.ok(await server.rawItem(key), text);
    const twice = await post("Set", `{"value":"aGVsbG8=","key":${text},"value":"aGVsbG8="}`);
    assert.equal([twice.status, twice.code], [400, "invalid_argument"], text);
  }
});

test("strings that look like JSON are left alone", async () => {
  const key = '{"key":9007199254740993,"key":"\\"}';
  assert.is((await post("Set", JSON.stringify({ key, value: "aGVsbG8=" }))).status, 200);
  assert.ok(await server.rawItem(key));
});

test.run();
