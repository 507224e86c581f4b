import * as assert from "uvu/assert";
import { createAuthority, type TestAuthority, type TestCertificate } from "../../server/test/support/certificates.js";
import { type GuardedServers, startGuardedServers } from "../../server/test/support/guarded-servers.js";
import { patientTimeout } from "../../server/test/support/hold-request.js";
import { suite } from "../../server/test/support/suite.js";
import { createClient as createGrpcJsClient } from "../src/grpc-js.js";
import { createClient, type DynakvClient, DynakvError, type TlsOptions } from "../src/index.js";

const test = suite("clients over TLS");

let servers: GuardedServers;
let elsewhere: TestAuthority;
let certificate: TestCertificate;

test.before(async () => {
  servers = await startGuardedServers({
    tokens: { a: {} },
    policy: {
      rules: [{ identities: ["token:a", "certificate:a"], rights: ["read", "write", "delete"], prefixes: [""] }],
    },
  });
  elsewhere = await createAuthority("another");
  certificate = await servers.authority.issue({ name: "a" });
});

test.after(() => servers.stop());

interface Options {
  readonly address: string;
  readonly tls: TlsOptions;
  readonly token?: string;
  readonly retries: false;
  readonly defaultTimeoutMs: number;
}

const creates: Record<string, (options: Options) => DynakvClient> = {
  gRPC: (options) => createClient(options),
  "gRPC by Connect's pipeline": (options) => createClient({ ...options, interceptors: [(next) => next] }),
  Connect: (options) => createClient({ ...options, protocol: "connect" }),
  "Connect over HTTP/1.1": (options) => createClient({ ...options, httpVersion: "1.1" }),
  "gRPC-web": (options) => createClient({ ...options, protocol: "grpc-web" }),
  "gRPC-web over HTTP/1.1": (options) => createClient({ ...options, protocol: "grpc-web", httpVersion: "1.1" }),
  "grpc-js": (options) => createGrpcJsClient(options),
};

for (const [name, create] of Object.entries(creates)) {
  const withClient = async (options: Omit<Options, "address" | "retries" | "defaultTimeoutMs">, host = "127.0.0.1") => {
    const address = servers.secure.replace("127.0.0.1", host);
    const client = create({ ...options, address, retries: false, ...patientTimeout });
    try {
      // Of several records and frames.
      const value = new Uint8Array(300_000).fill(7);
      await client.set("k", value);
      const entry = await client.get("k");
      assert.ok(entry?.kind === "value" && Buffer.compare(entry.value, value) === 0, name);
      assert.is((await client.mget(["k", "nothing"]).toMap()).size, 1, name);
      return "ok";
    } catch (error) {
      return error instanceof DynakvError ? error.reason : String(error);
    } finally {
      client.close();
    }
  };

  test(`${name}: a server is trusted by the authority that is given, and callers by token or certificate`, async () => {
    const { cert: ca } = servers.authority;
    const token = servers.token("a");
    assert.is(await withClient({ tls: { ca }, token }), "ok");
    assert.is(await withClient({ tls: { ca }, token }, "localhost"), "ok");
    assert.is(await withClient({ tls: { ca, ...certificate } }), "ok");
    assert.is(await withClient({ tls: { ca } }), "UNAUTHENTICATED");
    assert.is(await withClient({ tls: { ca: elsewhere.cert }, token }), "UNREACHABLE");
  });
}

test.run();
