import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { root } from "../../tools/root.js";
import type * as celery from "../src/celery.js";
import type * as web from "../src/web.js";

const test = suite("the client for browsers");
let folder: string;
let server: TestServer;
let bundle: typeof web;
let size: number;

test.before(async () => {
  server = await startTestServer();
  folder = await mkdtemp(join(tmpdir(), "dynakv-web-"));
  const code = await bundleFor("web");
  size = gzipSync(code).length;
  bundle = await import(join(folder, "web.mjs"));
});

/** Bundles an entry for a browser, where an import of one of Node's modules would fail and Node's globals are not defined. */
async function bundleFor(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(root, `client/src/${entry}.ts`)],
    bundle: true,
    minify: true,
    platform: "browser",
    define: { "globalThis.process": "undefined", process: "undefined", Buffer: "undefined", setImmediate: "refused" },
    // As in Next.js's edge runtime.
    banner: { js: "const refused = () => { throw new Error('a Node.js API is used'); };" },
    format: "esm",
    write: false,
    logLevel: "silent",
  });
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  await writeFile(join(folder, `${entry}.mjs`), code);
  return code;
}

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

test("a redirect is not followed, and is an error that says what to set", async () => {
  let redirected = 0;
  const redirecting = createHttpServer((request, response) => {
    redirected++;
    response.writeHead(307, { location: `${server.url}${request.url}` }).end();
  });
  await once(redirecting.listen(0, "127.0.0.1"), "listening");
  const address = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}`;
  for (const protocol of ["connect", "grpc-web"] as const) {
    redirected = 0;
    const client = bundle.createClient({ address, protocol });
    const error = await client.set("redirected", new Uint8Array()).catch((cause: unknown) => cause);
    assert.ok(error instanceof bundle.DynakvError);
    assert.match(error.message, "redirect: set address to where it leads");
    assert.equal([error.reason, error.outcome, redirected], ["UNSPECIFIED", "UNKNOWN", 1]);
    client.close();
  }
  assert.is(await server.rawItem("redirected"), undefined);
  const closed = once(redirecting, "close");
  redirecting.close();
  redirecting.closeAllConnections();
  await closed;
});

test("a connection that is lost is UNREACHABLE in the words of every platform's fetch", async () => {
  for (const words of [
    "Failed to fetch",
    "NetworkError when attempting to fetch resource.",
    "Load failed",
    "The network connection was lost.",
    "Network connection lost.",
    "error reading a body from connection",
  ]) {
    const fetch = () => Promise.reject(new TypeError(words));
    const client = bundle.createClient({ address: server.url, fetch, retries: false });
    const error = await client.get("a").catch((cause: unknown) => cause);
    assert.ok(error instanceof bundle.DynakvError);
    assert.equal([error.reason, error.retryable], ["UNREACHABLE", true], words);
  }
});

test("over a fetch that cannot stream, calls of one answer work, and streams say what they need", async () => {
  const unstreamed: typeof fetch = async (url, init) => {
    const answer = await fetch(url, init);
    const { type, status, headers } = answer;
    return { type, status, headers, json: () => answer.json(), arrayBuffer: () => answer.arrayBuffer() } as Response;
  };
  const client = bundle.createClient({ address: server.url, fetch: unstreamed });
  await client.set("unstreamed", new Uint8Array([1]));
  // Gets that are made together are one stream elsewhere.
  const found = await Promise.all(["unstreamed", "unstreamed:none"].map((key) => client.has(key)));
  assert.equal(found, [true, false]);
  const read = async () => {
    for await (const _ of client.mget(["unstreamed"])) {
      // Nothing comes.
    }
  };
  const error = await read().catch((cause: unknown) => cause);
  assert.ok(error instanceof bundle.DynakvError);
  assert.match(error.message, "fetch cannot stream here");
});

test("Celery's results are read there, those that gzip has compressed too", async () => {
  await bundleFor("celery");
  const { CompressionError, createCelery, isSuccess, taskKey }: typeof celery = await import(
    join(folder, "celery.mjs")
  );
  const client = bundle.createClient({ address: server.url });
  const payload = JSON.stringify({ status: "SUCCESS", result: " ".repeat(100_000) });
  const store = (type: string, body: Uint8Array) =>
    client.set(taskKey("id"), Buffer.concat([Buffer.from(`\0celery-compressed\0${type}\0`), body]));

  await store("application/x-gzip", deflateSync(payload));
  const task = await createCelery(client).task("id");
  assert.ok(task !== undefined && isSuccess(task));
  assert.is(task.result, " ".repeat(100_000));
  const large = await createCelery(client, { maxInflatedBytes: 1000 })
    .task("id")
    .catch((cause: Error) => cause);
  assert.match((large as Error).message, "inflates to more than the 1000 bytes");
  await store("application/x-gzip", deflateSync(payload).subarray(0, 50));
  assert.match(
    (
      (await createCelery(client)
        .task("id")
        .catch((cause: Error) => cause)) as Error
    ).message,
    "but is damaged",
  );
  await store("application/x-brotli", brotliCompressSync(payload));
  const { message, cause } = (await createCelery(client)
    .task("id")
    .catch((cause: Error) => cause)) as Error;
  assert.match(message, "compressed by brotli, which this platform cannot undo");
  assert.ok(cause instanceof CompressionError);
  client.close();
});

test("the bundle is small", () => {
  assert.ok(size < 65_000, `${size} bytes, minified and compressed`);
});

test.run();
