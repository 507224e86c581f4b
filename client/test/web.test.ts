import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { root } from "../../tools/root.js";
import type * as web from "../src/web.js";

const test = suite("the client for browsers");
let folder: string;
let server: TestServer;
let bundle: typeof web;
let size: number;

test.before(async () => {
  server = await startTestServer();
  // For a browser: an import of one of Node's modules would fail here.
  const { outputFiles } = await build({
    entryPoints: [join(root, "client/src/web.ts")],
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    write: false,
    logLevel: "silent",
  });
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  size = gzipSync(code).length;
  folder = await mkdtemp(join(tmpdir(), "dynakv-web-"));
  const file = join(folder, "bundle.mjs");
  await writeFile(file, code);
  bundle = await import(file);
});

test.after(async () => {
  await rm(folder, { recursive: true, force: true });
  await server.stop();
});

for (const protocol of ["connect", "grpc-web"] as const) {
  test(`a bundle speaks ${protocol} over fetch`, async () => {
    const client = bundle.createClient({ address: server.url, protocol });
    const names = client.keyspace(`${protocol}:`, bundle.utf8);
    const { etag } = await names.set("ada", "Ada");
    assert.is((await names.get("ada"))?.value, "Ada");
    assert.is(await client.incr(`${protocol}:counter`, { delta: 9007199254740993n }), 9007199254740993n);
    const results = [];
    for await (const { key, entry } of names.mget(["ada", "none"], { order: "request" })) {
      results.push([key, entry?.value]);
    }
    assert.equal(results, [
      ["ada", "Ada"],
      ["none", undefined],
    ]);
    const error = await names.set("ada", "Grace", { ifAbsent: true }).catch((cause: unknown) => cause);
    assert.ok(error instanceof bundle.DynakvError);
    assert.equal([error.reason, error.currentEtag], ["ALREADY_EXISTS", etag]);
    client.close();
  });
}

test("a server that cannot be reached is UNREACHABLE", async () => {
  const client = bundle.createClient({ address: "http://127.0.0.1:1", retries: false });
  const error = await client.get("a").catch((cause: unknown) => cause);
  assert.ok(error instanceof bundle.DynakvError);
  assert.is(error.reason, "UNREACHABLE");
});

test("the bundle is small", () => {
  assert.ok(size < 55_000, `${size} bytes, minified and compressed`);
});

test.run();
