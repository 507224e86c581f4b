import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createAuthority } from "../../server/test/support/certificates.js";
import { suite } from "../../server/test/support/suite.js";
import { waitUntil } from "../../server/test/support/wait-until.js";
import { type CommandsServer, startCommandsServer } from "./support/commands-server.js";
import type { CliOptions } from "./support/run-cli.js";

const test = suite("healthcheck");
let commands: CommandsServer;

test.before(async () => {
  commands = await startCommandsServer();
});

test.after(() => commands.stop());

async function healthcheck(args: readonly string[], env: CliOptions["env"] = {}) {
  const { code, stdout, stderr } = await commands.cli.run(["healthcheck", ...args], { env });
  return { code, said: stdout + stderr };
}

test("a server that serves calls is healthy, by flag, by DYNAKV_ADDRESS and by DYNAKV_LISTEN", async () => {
  const { url } = commands.server;
  const port = new URL(url).port;
  const served = { code: 0, said: "the server serves calls\n" };
  assert.equal(await healthcheck(["--address", url]), served);
  assert.equal(await healthcheck([], { DYNAKV_ADDRESS: url }), served);
  assert.equal(await healthcheck([], { DYNAKV_LISTEN: `0.0.0.0:${port}` }), served);
});

test("a server that DynamoDB does not answer is unhealthy, and yet alive", async () => {
  const { proxied, proxy } = commands;
  proxy.outage(true);
  try {
    await waitUntil("it is unhealthy", async () => (await healthcheck(["--address", proxied.url])).code === 1);
    const { said } = await healthcheck(["--address", proxied.url]);
    assert.match(said, /^dynakv: the server does not serve calls: DynamoDB does not answer it, or it is draining\n$/);
    assert.is((await healthcheck(["--live", "--address", proxied.url])).code, 0);
  } finally {
    proxy.reset();
  }
});

test("a server with TLS is healthy on loopback, whatever its certificate is for, and with a client certificate", async () => {
  const authority = await createAuthority("healthcheck");
  const own = await authority.issue({ name: "kv.example", alternatives: [{ type: "dns", value: "kv.example" }] });
  const probe = await authority.issue({ name: "probe" });
  const file = async (name: string, text: string) => {
    await writeFile(join(commands.folder, name), text);
    return join(commands.folder, name);
  };
  const tlsCert = await file("cert.pem", own.cert);
  const { url } = await commands.server.replica({
    tlsCert,
    tlsKey: await file("key.pem", own.key),
    tlsClientCa: await file("ca.pem", authority.cert),
    tlsClientAuth: "required",
  });
  const listen = { DYNAKV_LISTEN: `0.0.0.0:${new URL(url).port}`, DYNAKV_TLS_CERT: tlsCert };
  const [cert, key] = [await file("probe.pem", probe.cert), await file("probe-key.pem", probe.key)];
  assert.is((await healthcheck(["--cert", cert, "--key", key], listen)).code, 0);
  const refused = await healthcheck([], listen);
  assert.is(refused.code, 1);
  assert.match(refused.said, /^dynakv: https:\/\/127.0.0.1:\d+ cannot be reached \(/);
});

test("nothing there, something else there, and silence are unhealthy, each with its sentence", async () => {
  const nobody = await healthcheck(["--address", "http://127.0.0.1:9"]);
  assert.equal([nobody.code, /ECONNREFUSED.*set --address or DYNAKV_ADDRESS/.test(nobody.said)], [1, true]);
  const others = createServer((request, response) => {
    if (request.headers.host?.startsWith("localhost")) {
      return;
    }
    response.end("hello");
  }).listen(0);
  const { port } = others.address() as AddressInfo;
  const other = await healthcheck(["--address", `http://127.0.0.1:${port}`]);
  assert.equal([other.code, /answers with HTTP status 200, and not as/.test(other.said)], [1, true]);
  const silent = await healthcheck(["--address", `http://localhost:${port}`, "--timeout", "0.2", "--live"]);
  assert.equal([silent.code, /no answer from http:\/\/localhost:\d+ within 0.2 s/.test(silent.said)], [1, true]);
  others.closeAllConnections();
  others.close();
});

test("a wrong argument ends with 2", async () => {
  for (const args of [["--address", "localhost"], ["--timeout", "soon"], ["now"], ["--lively"], ["--cert", "x"]]) {
    const { code, said } = await healthcheck(args);
    assert.equal([args, code, said.startsWith("dynakv: ")], [args, 2, true]);
  }
  assert.match((await healthcheck(["--help"])).said, /Exit codes: 0 it serves calls, 1 it does not, 2 usage error\./);
});

test.run();
