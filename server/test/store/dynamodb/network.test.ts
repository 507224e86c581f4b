import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { KeyValueService } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { examine } from "../../../src/doctor/examine.js";
import { createServer, type ServerOptions } from "../../../src/index.js";
import { completeSettings } from "../../../src/settings/complete-settings.js";
import { classifyError } from "../../../src/store/dynamodb/aws-errors.js";
import { openConnection } from "../../../src/store/dynamodb/open-connection.js";
import { readProxies } from "../../../src/store/dynamodb/proxies.js";
import { createAuthority, type TestAuthority } from "../../support/certificates.js";
import { type ConnectProxy, startConnectProxy } from "../../support/connect-proxy.js";
import { createTable, startTestEngine, type TestEngine, uniqueTableName } from "../../support/engine.js";
import { withEnvironment } from "../../support/environment.js";
import { failureOf } from "../../support/errors.js";
import { handshakeBreaks, type SecureEndpoint, startSecureEndpoint } from "../../support/secure-endpoint.js";
import { suite } from "../../support/suite.js";
import type { KeyValueClient } from "../../support/test-server.js";
import { waitUntil } from "../../support/wait-until.js";

const test = suite("the network before DynamoDB");
const planes = ["lean", "sdk"] as const;
const table = uniqueTableName();
let engine: TestEngine;
let authority: TestAuthority;
let endpoint: SecureEndpoint;
let proxy: ConnectProxy;
let folder: string;
let bundle: string;

test.before(async () => {
  engine = await startTestEngine();
  await createTable(engine, table);
  authority = await createAuthority("an authority of one's own");
  endpoint = await startSecureEndpoint(engine.endpoint, await authority.issueServer());
  proxy = await startConnectProxy();
  folder = await mkdtemp(join(tmpdir(), "dynakv-network-"));
  bundle = join(folder, "bundle.pem");
  await writeFile(bundle, authority.cert);
});

test.before.each(() => {
  proxy.tunnels.length = 0;
  proxy.status = 200;
});

test.after(async () => {
  await proxy.stop();
  await endpoint.stop();
  await engine.stop();
  await rm(folder, { recursive: true });
});

const settings = (more: ServerOptions = {}) => {
  const { region, accessKeyId, secretAccessKey } = engine;
  return { endpoint: endpoint.endpoint, region, accessKeyId, secretAccessKey, table, ...more };
};

/** Runs `use` with a server that reaches the engine over TLS, in an environment. */
async function withServer(
  options: ServerOptions,
  environment: Readonly<Record<string, string | undefined>>,
  use: (client: KeyValueClient) => Promise<void>,
): Promise<void> {
  await withEnvironment({ AWS_CA_BUNDLE: bundle, ...environment }, async () => {
    const server = createServer({ listen: "127.0.0.1:0", logLevel: "silent", overload: "off", ...settings(options) });
    const { url } = await server.start();
    try {
      await use(createClient(KeyValueService, createGrpcTransport({ baseUrl: url })));
    } finally {
      await server.stop();
    }
  });
}

const value = Buffer.from("v");

for (const dataPlane of planes) {
  for (const how of handshakeBreaks) {
    test(`a handshake that ends ${how} is before anything was sent: ${dataPlane}`, async () => {
      await withEnvironment({ AWS_CA_BUNDLE: bundle }, async () => {
        const connection = await openConnection(completeSettings(settings({ dataPlane })).settings, {});
        const put = () =>
          connection.dynamodb.putItem({ TableName: table, Item: { id: { S: how } } }, new AbortController().signal);
        const before = endpoint.requests();
        endpoint.breakNext(8, how);
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, () =>
            put().then(
              () => "a success",
              (error) => classifyError(error).applied,
            ),
          ),
        );
        endpoint.breakNext(0, how);
        assert.equal(outcomes, Array(8).fill("no"));
        assert.is(endpoint.requests(), before);
        await connection.close();
      });
    });
  }

  test(`a handshake that breaks within a tunnel is before anything was sent, too: ${dataPlane}`, async () => {
    await withEnvironment({ AWS_CA_BUNDLE: bundle, HTTPS_PROXY: proxy.url }, async () => {
      const connection = await openConnection(completeSettings(settings({ dataPlane })).settings, {});
      for (const how of ["at once", "reset after the hello"] as const) {
        endpoint.breakNext(1, how);
        const outcome = await connection.dynamodb
          .putItem({ TableName: table, Item: { id: { S: how } } }, new AbortController().signal)
          .then(
            () => "a success",
            (error) => classifyError(error).applied,
          );
        assert.is(outcome, "no", how);
      }
      await connection.close();
    });
  });

  test(`writes go on through broken handshakes, each applied: ${dataPlane}`, async () => {
    await withServer({ dataPlane }, {}, async (client) => {
      // One that never ends keeps each try waiting for seconds.
      for (const how of handshakeBreaks.filter((each) => each !== "never")) {
        // More calls than there are connections to keep, and fewer breaks than each of them has tries.
        const before = endpoint.connections();
        endpoint.breakNext(3, how);
        const keys = Array.from({ length: 8 }, (_, n) => `${dataPlane} ${how} ${n}`);
        await Promise.all(keys.map((key) => client.set({ key, value })));
        assert.ok(endpoint.connections() - before >= 3, "new connections were needed");
        endpoint.cut();
        await waitUntil("the server has left what was cut", () =>
          client.set({ key: "after", value }).then(
            () => true,
            () => false,
          ),
        );
      }
    });
  });

  test(`AWS_CA_BUNDLE and ca_bundle name who is trusted, and nobody else is: ${dataPlane}`, async () => {
    const set = (client: KeyValueClient) => client.set({ key: "trusted", value }).then(() => {});
    await withServer({ dataPlane }, {}, set);
    const config = join(folder, "config");
    await writeFile(config, `[default]\nca_bundle = ${bundle}\n[profile other]\nca_bundle = ${bundle}\n`);
    await withServer({ dataPlane }, { AWS_CA_BUNDLE: undefined, AWS_CONFIG_FILE: config }, set);
    await withServer({ dataPlane }, { AWS_CA_BUNDLE: undefined, AWS_CONFIG_FILE: config, AWS_PROFILE: "other" }, set);
    await withServer({ dataPlane }, { AWS_CA_BUNDLE: undefined }, async (client) => {
      const failure = await failureOf(client.set({ key: "untrusted", value }));
      assert.equal([failure.reason, failure.outcome], ["BACKEND_UNAVAILABLE", "NOT_APPLIED"]);
    });
  });

  for (const name of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) {
    test(`${name} is gone through, for set-up and for calls: ${dataPlane}`, async () => {
      const before = endpoint.connections();
      await withServer({ dataPlane }, { [name]: proxy.url }, async (client) => {
        const target = `localhost:${endpoint.port}`;
        assert.ok(proxy.tunnels.length >= 1);
        endpoint.cut();
        await client.set({ key: name, value });
        assert.is((await client.get({ key: name })).entry?.data.case, "value");
        assert.equal([...new Set(proxy.tunnels)], [target]);
      });
      const connections = endpoint.connections() - before;
      // One that was asked for as the server stopped may not have been made.
      assert.ok(connections > 0 && connections <= proxy.tunnels.length, "nothing went around it");
    });
  }

  test(`a proxy over TLS that wants a password gets it: ${dataPlane}`, async () => {
    const secure = await startConnectProxy(await authority.issueServer());
    const url = secure.url.replace("//", "//user%40x:p%3As@");
    await withServer({ dataPlane }, { HTTPS_PROXY: url }, async (client) => {
      await client.set({ key: "password", value });
    });
    assert.is(secure.authorization(), `Basic ${Buffer.from("user@x:p:s").toString("base64")}`);
    await secure.stop();
  });

  test(`a proxy that refuses, or is away, is before anything was sent: ${dataPlane}`, async () => {
    for (const [status, url] of [
      [407, proxy.url],
      [503, proxy.url],
      [200, "http://127.0.0.1:9"],
    ] as const) {
      proxy.status = status;
      await withServer({ dataPlane }, { HTTPS_PROXY: url }, async (client) => {
        const failure = await failureOf(client.set({ key: "refused", value }));
        assert.equal([failure.reason, failure.outcome], ["BACKEND_UNAVAILABLE", "NOT_APPLIED"]);
      });
    }
  });

  test(`NO_PROXY, an endpoint without TLS, and the embedded engine go past the proxy: ${dataPlane}`, async () => {
    const set = (client: KeyValueClient) => client.set({ key: "direct", value }).then(() => {});
    await withServer({ dataPlane }, { HTTPS_PROXY: proxy.url, NO_PROXY: "localhost" }, set);
    await withServer(
      { dataPlane, endpoint: engine.endpoint },
      { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, ALL_PROXY: proxy.url },
      set,
    );
    await withServer({ dataPlane, endpoint: engine.endpoint }, { ALL_PROXY: "socks5://127.0.0.1:9" }, set);
    await withEnvironment({ HTTP_PROXY: proxy.url, ALL_PROXY: proxy.url, HTTPS_PROXY: proxy.url }, async () => {
      const server = createServer({ listen: "127.0.0.1:0", logLevel: "silent", data: "memory", dataPlane });
      const { url } = await server.start();
      await set(createClient(KeyValueService, createGrpcTransport({ baseUrl: url })));
      await server.stop();
    });
    assert.equal(proxy.tunnels, []);
  });
}

const exemptions: readonly (readonly [string, string, boolean])[] = [
  ["*", "a.example", true],
  ["a.example", "a.example", true],
  ["A.Example", "a.EXAMPLE", true],
  [".example", "a.example", true],
  ["example", "a.example", true],
  ["*.example", "a.example", true],
  ["ample", "a.example", false],
  ["a.example:443", "a.example", true],
  ["a.example:8443", "a.example", false],
  ["b.example, a.example", "a.example", true],
  ["b.example a.example", "a.example", true],
  ["10.0.0.0/8", "10.1.2.3", true],
  ["10.0.0.0/8", "11.1.2.3", false],
  ["10.1.2.3", "10.1.2.3", true],
  ["fd00::/8", "[fd00::1]", true],
  ["[::1]", "[::1]", true],
  ["::1", "::1", true],
  ["[::1]:443", "[::1]", true],
  [",,", "a.example", false],
  ["10.0.0.0/99", "10.1.2.3", false],
];

for (const [NO_PROXY, host, isExempt] of exemptions) {
  test(`NO_PROXY=${NO_PROXY} ${isExempt ? "exempts" : "does not exempt"} ${host}`, () => {
    const { find } = readProxies({ HTTPS_PROXY: "proxy.example:3128", NO_PROXY });
    assert.is(find(host, 443)?.href, isExempt ? undefined : "http://proxy.example:3128/");
  });
}

test("a proxy or a bundle that cannot be ends the start by its name, and no password is shown", async () => {
  const empty = join(folder, "empty.pem");
  await writeFile(empty, "no certificate\n");
  for (const [environment, name] of [
    [{ HTTPS_PROXY: "socks5://user:hunter2@proxy.example" }, "HTTPS_PROXY"],
    [{ https_proxy: "http://user:hunter2@:99999" }, "https_proxy"],
    [{ AWS_CA_BUNDLE: join(folder, "missing.pem") }, "AWS_CA_BUNDLE"],
    [{ AWS_CA_BUNDLE: empty }, "AWS_CA_BUNDLE"],
    [{ AWS_CA_BUNDLE: folder }, "AWS_CA_BUNDLE"],
  ] as const) {
    await withEnvironment(environment, async () => {
      const error = await openConnection(completeSettings(settings()).settings, {}).then(
        () => assert.unreachable(),
        (cause: Error) => cause,
      );
      assert.match(error?.message ?? "", name);
      assert.not.match(error?.message ?? "", "hunter2");
    });
  }
});

test("the doctor tells which proxy and authorities are in use, without the proxy's password", async () => {
  const { port } = new URL(proxy.url);
  const url = `http://user:hunter2@127.0.0.1:${port}`;
  await withEnvironment({ HTTPS_PROXY: url, AWS_CA_BUNDLE: bundle }, async () => {
    const { findings } = await examine(completeSettings(settings()).settings, new AbortController().signal);
    const told = Object.fromEntries(findings.map(({ subject, level, detail }) => [subject, `${level}: ${detail}`]));
    assert.match(told.proxy ?? "", `ok: http://127.0.0.1:${port}`);
    assert.match(told.proxy ?? "", "HTTPS_PROXY");
    assert.match(told.authorities ?? "", "AWS_CA_BUNDLE");
    assert.match(told.endpoint ?? "", "ok:");
    assert.not.match(JSON.stringify(findings), "hunter2");
  });
  assert.ok(proxy.tunnels.length > 0);
});

test.run();
