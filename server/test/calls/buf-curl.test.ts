import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { buf } from "../../../tools/buf.js";
import { suite } from "../support/suite.js";
import { startTestServer, type TestServer } from "../support/test-server.js";

const test = suite("buf curl");
const run = promisify(execFile);
let server: TestServer;

test.before(async () => {
  server = await startTestServer();
});

test.after(() => server.stop());

/** Calls a method without a schema, and returns the answer or the error. */
async function call(protocol: string, method: string, request: object): Promise<Record<string, unknown>> {
  const url = `${server.url}/dynakv.v1.KeyValueService/${method}`;
  const args = ["curl", "--protocol", protocol, "-d", JSON.stringify(request), url];
  const { stdout } = await run(buf, args).catch((error: { stderr: string }) => ({ stdout: error.stderr }));
  return JSON.parse(stdout);
}

test("it lists the services and methods without a schema", async () => {
  const { stdout } = await run(buf, ["curl", "--list-methods", server.url]);
  const methods = stdout.split("\n");
  for (const method of ["Get", "Set", "MGet", "Delete", "Incr"]) {
    assert.ok(methods.includes(`dynakv.v1.KeyValueService/${method}`), method);
  }
  assert.ok(methods.includes("dynakv.v1.InfoService/GetInfo"));
  assert.ok(methods.includes("grpc.health.v1.Health/Check"));
});

for (const protocol of ["connect", "grpc", "grpcweb"]) {
  test(`it does all five methods over ${protocol}`, async () => {
    const key = `key ${protocol}`;
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, index) => index)).toString("base64");
    const { etag } = await call(protocol, "Set", { key, value: everyByte });
    const { entry } = (await call(protocol, "Get", { key, consistency: "CONSISTENCY_STRONG" })) as {
      entry: Record<string, unknown>;
    };
    assert.equal([entry.value, entry.etag], [everyByte, etag]);
    const incr = await call(protocol, "Incr", { key: `count ${protocol}`, delta: "9007199254740993" });
    assert.is(incr.value, "9007199254740993");
    const { results } = await call(protocol, "MGet", { keys: [key, "nothing"], order: "RESULT_ORDER_REQUEST" });
    assert.equal((results as object[])[1], { index: 1, key: "nothing", missing: {} });
    assert.is(
      (await call(protocol, "Set", { key, value: "", condition: { ifAbsent: {} } })).code,
      "failed_precondition",
    );
    assert.equal(await call(protocol, "Delete", { key }), { existed: true });
    assert.equal(await call(protocol, "Get", { key }), {});
  });
}

test.run();
