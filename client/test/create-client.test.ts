import { createRouterTransport } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import * as entry from "../../gen/dynakv/v1/entry_pb.js";
import * as error from "../../gen/dynakv/v1/error_pb.js";
import * as infoService from "../../gen/dynakv/v1/info_service_pb.js";
import * as keyValueService from "../../gen/dynakv/v1/key_value_service_pb.js";
import { suite } from "../../server/test/support/suite.js";
import { createClient as createGrpcJsClient } from "../src/grpc-js.js";
import { createClient } from "../src/index.js";
import * as schema from "../src/schema.js";
import { createClient as createWebClient } from "../src/web.js";

const test = suite("createClient");

test("the package exports every generated type of dynakv.v1", () => {
  const generated = Object.entries({ ...entry, ...error, ...infoService, ...keyValueService });
  const exported: Readonly<Record<string, unknown>> = schema;
  for (const [name, value] of generated) {
    // The descriptors of files are for tools, not for users.
    if (!name.startsWith("file_")) {
      assert.is(exported[name], value, `${name} is not exported`);
    }
  }
});

test("a transport of the caller's own is used, and left open", async () => {
  const transport = createRouterTransport(({ service }) => {
    service(schema.KeyValueService, { incr: () => ({ value: 7n }) });
  });
  const first = createClient({ transport });
  assert.is(await first.incr("a"), 7n);
  first.close();
  assert.is(await createClient({ transport }).incr("a"), 7n);
});

test("gRPC over HTTP/1.1 is refused", () => {
  assert.throws(() => createClient({ protocol: "grpc", httpVersion: "1.1" }), /needs httpVersion "2"/);
});

for (const [name, create] of [
  ["Connect", createClient],
  ["grpc-js", createGrpcJsClient],
] as const) {
  test(`${name}: an address that makes no sense is refused, and a token that all could read`, () => {
    assert.throws(() => create({ address: "http://user:secret@127.0.0.1" }), /contains credentials/);
    assert.throws(() => create({ address: "http://127.0.0.1", tls: { ca: "pem" } }), /is an http: URL/);
    assert.throws(() => create({ address: "http://kv.example.com", token: "t" }), /unencrypted/);
    create({ address: "http://kv.example.com", token: "t", allowInsecureToken: true }).close();
    for (const address of ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://kv.example.com"]) {
      create({ address, token: "t" }).close();
    }
    assert.throws(() => create({ retries: { maxAttempts: 0 } }), /maxAttempts must be 1/);
    assert.throws(
      () => create({ defaultTimeoutMs: Number.NaN }),
      /defaultTimeoutMs must be 0 or more milliseconds, not the number NaN/,
    );
  });
}

test("browsers: an address that makes no sense is refused, and a token that all could read", () => {
  assert.throws(() => createWebClient({}), /not an http: or https: URL/);
  assert.throws(() => createWebClient({ address: "http://kv.example.com", token: "t" }), /unencrypted/);
  createWebClient({ address: "http://kv.example.com", token: "t", allowInsecureToken: true }).close();
  createWebClient({ address: "https://kv.example.com", token: "t" }).close();
});

test("Connect: an address is a URL; grpc-js: also a target", () => {
  assert.throws(() => createClient({ address: "127.0.0.1:50051" }), /not an http: or https: URL/);
  assert.throws(() => createGrpcJsClient({ address: "kv.example.com:1", token: "t" }), /unencrypted/);
  createGrpcJsClient({ address: "kv.example.com:1", token: "t", allowInsecureToken: true }).close();
  createGrpcJsClient({ address: "dns:///127.0.0.1:50051" }).close();
});

test.run();
