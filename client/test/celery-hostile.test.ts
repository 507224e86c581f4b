import zlib from "node:zlib";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { CompressionError, createCelery, groupKey, isSuccess, taskKey } from "../src/celery.js";
import { createClient, type DynakvClient } from "../src/index.js";
import { errorOf } from "./support/error-of.js";

const test = suite("what nobody ought to have written for Celery");
let server: TestServer;
let client: DynakvClient;

test.before(async () => {
  server = await startTestServer();
  client = createClient({ address: server.url });
});

test.after(async () => {
  client.close();
  await server.stop();
});

const compressed = (contentType: string, body: Uint8Array) =>
  Buffer.concat([Buffer.from(`\0celery-compressed\0${contentType}\0`), body]);

async function read(value: string | Uint8Array, options = {}): Promise<unknown> {
  await client.set(taskKey("id"), Buffer.from(value));
  const task = await createCelery(client, options).task("id");
  assert.ok(task !== undefined && isSuccess(task));
  return task.result;
}

const withResult = (result: string) => `{"status": "SUCCESS", "result": ${result}}`;

test("a bomb is refused before it is in memory, and the limit is an option", async () => {
  const bomb = Buffer.from(withResult(`"${" ".repeat(17 * 1024 * 1024)}"`));
  const before = process.memoryUsage().arrayBuffers;
  for (const [contentType, body] of [
    ["application/x-gzip", zlib.deflateSync(bomb)],
    ["application/x-brotli", zlib.brotliCompressSync(bomb, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } })],
  ] as const) {
    const value = compressed(contentType, body);
    const { reason, message, cause } = await errorOf(read(value));
    assert.is(reason, "UNDECODABLE");
    assert.match(message, "inflates to more than the 16777216 bytes of maxInflatedBytes");
    assert.ok(cause instanceof CompressionError);
    assert.is((await read(value, { maxInflatedBytes: bomb.length })) as string, " ".repeat(17 * 1024 * 1024));
    assert.is((await errorOf(read(value, { maxInflatedBytes: bomb.length - 1 }))).reason, "UNDECODABLE");
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 200 * 1024 * 1024);
  await assertRejects(() => createCelery(client, { maxInflatedBytes: 0 }), /maxInflatedBytes/);
  await assertRejects(() => createCelery(client, { types: { set: 5 as never } }), /types\["set"\] must be a function/);
});

async function assertRejects(call: () => unknown, message: RegExp): Promise<void> {
  try {
    await call();
  } catch (error) {
    assert.instance(error, TypeError);
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable();
}

test("damaged and unknown compressions are said to be so", async () => {
  const body = zlib.deflateSync(withResult("1"));
  assert.is(await read(compressed("application/x-gzip", body)), 1);
  assert.is(await read(compressed("gzip", body)), 1);
  assert.is(await read(compressed("zlib", zlib.gzipSync(withResult("1")))), 1);
  for (const [value, expected] of [
    [compressed("application/x-gzip", body.subarray(0, -5)), /compressed by gzip, but is damaged/],
    [compressed("application/x-gzip", Buffer.of()), /compressed by gzip, but is damaged/],
    [compressed("application/x-brotli", body), /compressed by brotli, but is damaged/],
    [compressed("application/x-mine", body), /compressed by "application\/x-mine", a method that is not known/],
    [compressed("a".repeat(500), body), /compressed by "", a method that is not known/],
    [Buffer.from("\0celery-compressed\0"), /compressed by "", a method that is not known/],
    [compressed("__proto__", body), /compressed by "__proto__", a method that is not known/],
  ] as const) {
    const { reason, message } = await errorOf(read(value));
    assert.is(reason, "UNDECODABLE");
    assert.match(message, expected);
    assert.not.match(message, "serializer");
  }
});

test("numbers and nesting have bounds", async () => {
  assert.is(await read(withResult("9".repeat(4300))), BigInt("9".repeat(4300)));
  assert.is(await read(withResult(`-${"9".repeat(4300)}`)), -BigInt("9".repeat(4300)));
  assert.is(await read(withResult("1e999999999")), Number.POSITIVE_INFINITY);
  assert.ok(Object.is(await read(withResult("-0")), 0));
  const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  assert.ok(Array.isArray(await read(withResult(deep(2400)))));
  for (const result of ["9".repeat(400_000), deep(2600), deep(150_000), '{"a":'.repeat(60_000)]) {
    const { reason, message } = await errorOf(read(withResult(result)));
    assert.is(reason, "UNDECODABLE");
    assert.not.match(message, "9999");
  }
  // A chain, in which each task is the parent of the next, and groups in groups.
  const chain = `${'[["a",'.repeat(1200)}null${"],null]".repeat(1200)}`;
  await client.set(groupKey("chain"), Buffer.from(`{"result": [["chain", null], [${chain}]]}`));
  assert.equal((await createCelery(client).group("chain"))?.taskIds, ["a"]);
  const groups = `${'[["g",null],['.repeat(1200)}${"]]".repeat(1200)}`;
  await client.set(groupKey("groups"), Buffer.from(`{"result": ${groups}}`));
  assert.equal((await createCelery(client).group("groups"))?.taskIds, []);
});

test("what is no JSON of Python's is refused, and not quoted", async () => {
  for (const text of [
    withResult("secret"),
    withResult("nan"),
    withResult("+1"),
    withResult("01"),
    withResult("1."),
    withResult(".5"),
    withResult("1e"),
    withResult("--1"),
    withResult("-"),
    withResult("-Infinit"),
    withResult("[1,]"),
    withResult("[,1]"),
    withResult('{"a":1,}'),
    withResult("{a:1}"),
    withResult("{1:1}"),
    withResult("'secret'"),
    withResult('"secret\n"'),
    withResult('"\\x"'),
    withResult('"\\u12"'),
    withResult('"secret'),
    withResult('"secret\\'),
    `${withResult("1")} 2`,
    `${withResult("1")}}`,
    withResult("1").slice(0, -1),
    `\ufeff${withResult("1")}`,
    withResult("\u00a01"),
    "",
    " ",
    "null",
    "[]",
    '"text"',
    Buffer.from(withResult('"\xff"'), "latin1"),
  ]) {
    const { reason, message } = await errorOf(read(text));
    assert.is(reason, "UNDECODABLE", String(text));
    assert.not.match(message, "secret");
  }
  assert.is(await read(` \t\r\n${withResult(" \t\r\n1 \t\r\n")} \t\r\n`), 1);
  assert.equal(await read(withResult('{"a": 1, "a": [ ], "b": { } }')), { a: [], b: {} });
});

test("no text makes a pattern slow", async () => {
  const digits = "1".repeat(100_000);
  const dates = `2026-11-23T08:13:57.${digits}+`;
  const types = ["datetime", "date", "time", "decimal", "uuid", "base64"];
  const results = types.flatMap((type) =>
    [`${digits}x`, `${digits}.${digits}x`, dates].map((value) => JSON.stringify({ __type__: type, __value__: value })),
  );
  for (const result of results) {
    const value = await read(withResult(result));
    assert.ok(value instanceof Uint8Array || Object.hasOwn(value as object, "__value__"));
  }
});

test.run();
