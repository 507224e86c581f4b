import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import * as assert from "uvu/assert";
import { buildUnlessFresh } from "../../../console/build.js";
import { createToken } from "../../src/access/tokens.js";
import { suite } from "../support/suite.js";
import { startTestServer, type TestServer } from "../support/test-server.js";

const test = suite("the console's page and what it loads");
let folder: string;
let server: TestServer;
let url: string;

test.before(async () => {
  await buildUnlessFresh();
  folder = await mkdtemp(join(tmpdir(), "dynakv-console-"));
  server = await startTestServer();
  ({ url } = await server.replica({ console: "on", allowedHosts: "kv.example" }));
});

test.after(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Asked {
  readonly at?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** As a browser may ask: with any Host and Origin, and without a path made plain before it is sent. */
function ask(path: string, { at = url, method = "GET", headers = {}, body }: Asked = {}): Promise<Answer> {
  const { hostname, port } = new URL(at);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

async function scriptPath(): Promise<string> {
  const { body } = await ask("/console");
  const [, path = ""] = /src="(console\/assets\/main-\w+\.js)"/.exec(body.toString()) ?? [];
  return `/${path}`;
}

test("it is there only if it is wanted", async () => {
  assert.is((await ask("/console", { at: server.url })).status, 404);
  assert.is((await ask("/console")).status, 200);
});

test("the page forbids all but its own scripts and its own server, in a frame too", async () => {
  for (const path of ["/console", await scriptPath(), "/console/metrics", "/console/"]) {
    const { headers } = await ask(path);
    const policy = String(headers["content-security-policy"]);
    for (const part of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
      assert.ok(policy.includes(part), `${path}: ${part}`);
    }
    assert.not.match(policy, /unsafe|https?:|\*/);
    assert.is(headers["x-frame-options"], "DENY");
    assert.is(headers["x-content-type-options"], "nosniff");
    assert.is(headers["referrer-policy"], "no-referrer");
    assert.is(headers["cross-origin-opener-policy"], "same-origin");
    assert.is(headers["cross-origin-resource-policy"], "same-origin");
  }
});

test("the page holds no script and no style of its own, and asks for nothing of another server", async () => {
  const { body } = await ask("/console");
  const page = body.toString();
  assert.not.match(page, /<style|style=|\son\w+=|<script>|https?:\/\//);
  assert.match(page, /<script type="module" src="console\/assets\//);
});

test("the page is asked for each time, and its scripts once for all", async () => {
  const page = await ask("/console");
  assert.is(page.headers["cache-control"], "no-cache");
  const script = await ask(await scriptPath());
  assert.is(script.headers["cache-control"], "public, max-age=31536000, immutable");
  assert.is(script.headers["content-type"], "text/javascript; charset=utf-8");
  for (const { headers } of [page, script]) {
    const known = headers === page.headers ? "/console" : await scriptPath();
    const again = await ask(known, { headers: { "if-none-match": `"other", ${headers.etag}` } });
    assert.equal([again.status, again.body.length, again.headers.etag], [304, 0, headers.etag]);
    assert.is((await ask(known, { headers: { "if-none-match": '"other"' } })).status, 200);
  }
});

test("what is loaded comes compressed to whoever takes it so", async () => {
  const path = await scriptPath();
  const plain = await ask(path);
  assert.is(plain.headers["content-encoding"], undefined);
  for (const accepted of ["gzip", "deflate, gzip;q=0.5, br"]) {
    const packed = await ask(path, { headers: { "accept-encoding": accepted } });
    assert.equal([packed.headers["content-encoding"], packed.headers.vary], ["gzip", "accept-encoding"]);
    assert.ok(gunzipSync(packed.body).equals(plain.body));
  }
  for (const accepted of ["gzip;q=0", "br", "identity"]) {
    const unpacked = await ask(path, { headers: { "accept-encoding": accepted } });
    assert.is(unpacked.headers["content-encoding"], undefined, accepted);
  }
});

test("all of it is at most 150 KB as it is sent", async () => {
  const { body } = await ask("/console");
  const paths = [...body.toString().matchAll(/(?:src|href)="(console\/assets\/[^"]+)"/g)].map(([, path]) => `/${path}`);
  assert.is(paths.length, 3);
  let bytes = 0;
  for (const path of ["/console", ...paths]) {
    bytes += (await ask(path, { headers: { "accept-encoding": "gzip" } })).body.length;
  }
  assert.ok(bytes <= 150 * 1024, `${bytes} bytes`);
});

test("HEAD is answered without a body, over either version of HTTP", async () => {
  const { headers, body } = await ask("/console", { method: "HEAD" });
  const { body: page } = await ask("/console");
  assert.equal([headers["content-length"], body.length], [String(page.length), 0]);
  const session = connectHttp2(url);
  for (const [method, expected] of [
    ["HEAD", 0],
    ["GET", page.length],
  ] as const) {
    const stream = session.request({ ":method": method, ":path": "/console" });
    const chunks: Buffer[] = [];
    const status = await new Promise((resolve) => stream.once("response", (head) => resolve(head[":status"])));
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
    }
    assert.equal([status, Buffer.concat(chunks).length], [200, expected], method);
  }
  session.close();
});

test("no other method is served there", async () => {
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    for (const path of ["/console", await scriptPath(), "/console/metrics"]) {
      const { status, headers } = await ask(path, { method, headers: { origin: "http://localhost:3000" } });
      assert.equal([status, headers.allow], [405, "GET, HEAD"], `${method} ${path}`);
      assert.is(headers["access-control-allow-origin"], undefined);
    }
  }
});

test("a path leads to the files of the console and to no others", async () => {
  for (const path of [
    "/console/assets/",
    "/console/assets/nothing.js",
    "/console/index.html/",
    "/console/../package.json",
    "/console/assets/../../package.json",
    "/console/assets/..%2f..%2fpackage.json",
    "/console/%2e%2e/package.json",
    "/console//etc/passwd",
    "/consoles",
    "/console/__proto__",
    "/console/assets/constructor",
  ]) {
    assert.is((await ask(path)).status, 404, path);
  }
  const { status, headers } = await ask("/console/?q");
  assert.equal([status, headers.location], [308, "../console"]);
});

test("a page of another origin, or with a name that was rebound, gets nothing", async () => {
  for (const path of ["/console", "/console/metrics"]) {
    for (const headers of [
      { host: "evil.example" },
      { host: "evil.example", origin: "http://evil.example" },
      { host: new URL(url).host, origin: "http://evil.example" },
    ]) {
      const { status } = await ask(path, { headers });
      assert.is(status, 403, `${path} ${JSON.stringify(headers)}`);
    }
  }
});

test("the page of an allowed host may call the server that it comes from, and pages of other hosts may not", async () => {
  const call = (headers: Record<string, string>) =>
    ask("/dynakv.v1.KeyValueService/Get", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: '{"key":"k"}',
    });
  const own = await call({ host: "kv.example:8080", origin: "http://kv.example:8080" });
  assert.equal([own.status, own.headers["access-control-allow-origin"]], [200, undefined]);
  for (const origin of ["http://kv.example", "http://evil.example", "http://kv.example:8080.evil.example", "null"]) {
    assert.is((await call({ host: "kv.example:8080", origin })).status, 403, origin);
  }
});

test("a read-only console says so to its page, and takes no right from anybody", async () => {
  const readOnly = await server.replica({ console: "read-only" });
  const { body } = await ask("/console", { at: readOnly.url });
  assert.match(body.toString(), /name="dynakv-console" content="read-only"/);
  await readOnly.client.set({ key: "k", value: Buffer.from("v") });
});

test("the figures tell what was called, and no key", async () => {
  const { client, url } = await server.replica({ console: "on" });
  await client.set({ key: "a-secret-key", value: Buffer.from("a-secret-value".padEnd(20_000)) });
  await client.get({ key: "a-secret-key" });
  await client.set({ key: "", value: Buffer.from("v") }).catch(() => {});
  const { headers, body } = await ask("/console/metrics", { at: url });
  assert.equal([headers["content-type"], headers["cache-control"]], ["application/json", "no-store"]);
  const figures = JSON.parse(body.toString());
  assert.equal([figures.methods.Set.ok, figures.methods.Set.failed, figures.methods.Get.ok], [1, 1, 1]);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  assert.is(sum(figures.methods.Set.durations), 2);
  assert.is(figures.methods.Set.durations.length, figures.durationBounds.length + 1);
  // A unit of writes for each kilobyte, and one of reads for four.
  assert.ok(figures.writeUnits >= 20 && figures.readUnits > 0 && figures.readUnits < 20, body.toString());
  assert.not.match(body.toString(), /a-secret/);
  const [, other] = [figures, JSON.parse((await ask("/console/metrics", { at: url })).body.toString())];
  assert.is(other.instance, figures.instance);
  assert.ok(other.atMs > figures.atMs);
});

test("where callers are known the page is for all, and the figures are for those that may do anything", async () => {
  const allowed = createToken("ops");
  const idle = createToken("idle");
  const tokensFile = join(folder, "tokens.json");
  const policyFile = join(folder, "policy.json");
  await writeFile(tokensFile, JSON.stringify({ tokens: [allowed.entry, idle.entry] }));
  const rule = { identities: ["token:ops"], rights: ["read"], prefixes: ["some:"] };
  await writeFile(policyFile, JSON.stringify({ rules: [rule] }));
  const { url } = await server.replica({ console: "on", tokensFile, policyFile });
  assert.is((await ask("/console", { at: url })).status, 200);
  const figures = (token?: string) =>
    ask("/console/metrics", { at: url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  assert.is((await figures()).status, 401);
  assert.is((await figures("wrong")).status, 401);
  assert.is((await figures(idle.token)).status, 403);
  assert.is((await figures(allowed.token)).status, 200);
  // Elsewhere nobody learns which paths there are.
  assert.is((await ask("/console/nothing", { at: url })).status, 401);
});

test("a server that tells nothing of itself shows no figures", async () => {
  const { url } = await server.replica({ console: "on", introspection: "off" });
  assert.is((await ask("/console", { at: url })).status, 200);
  assert.is((await ask("/console/metrics", { at: url })).status, 404);
});

test.run();
