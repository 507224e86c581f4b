import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { pino } from "pino";
import * as assert from "uvu/assert";
import { MGetRequestSchema, SetRequestSchema } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { type RawCall, rawProtocols } from "../support/raw-calls.js";
import { suite } from "../support/suite.js";
import { startTestServer, type TestServer } from "../support/test-server.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("calls that the protocol layer refuses");
const lines: Record<string, unknown>[] = [];
/** The lowest that the setting takes. */
const maxRequestBytes = 524_288;
let server: TestServer;

test.before(async () => {
  const logger = pino({ level: "trace" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  server = await startTestServer({ logger, maxRequestBytes, maxDeadlineSeconds: 60 });
});

test.before.each(() => {
  lines.length = 0;
});

test.after(() => server.stop());

type ProtocolName = keyof typeof rawProtocols;
const ofSet: ProtocolName[] = ["gRPC", "gRPC-web", "Connect", "JSON"];
const ofMGet: ProtocolName[] = ["gRPC", "gRPC-web", "Connect streaming", "JSON"];

function call(protocol: ProtocolName, method: string, rest: Omit<RawCall, "url">) {
  return rawProtocols[protocol]({ url: `${server.url}/dynakv.v1.KeyValueService/${method}`, ...rest });
}

const text = (json: unknown) => Buffer.from(typeof json === "string" ? json : JSON.stringify(json));
/** A message whose first field, a string, is no UTF-8. */
const notUtf8 = Buffer.concat([Buffer.from([0x0a, 12]), Buffer.from("planted-key"), Buffer.from([0xff])]);

/** One line for the call, and nothing of what was sent, here or in the answer. */
async function assertReported(method: string, code: string, message: string): Promise<void> {
  await waitUntil("the call has ended", () => lines.some(({ msg }) => msg === "call failed"));
  const failed = lines.filter(({ msg }) => msg === "call failed");
  assert.equal(
    failed.map((line) => [line.method, line.code]),
    [[`dynakv.v1.KeyValueService/${method}`, code]],
  );
  assert.type(failed[0]?.ms, "number");
  assert.not.match(JSON.stringify(lines), "planted");
  assert.not.match(message, "planted");
  lines.length = 0;
}

test("a message that does not parse is INVALID_ARGUMENT, not applied, and not quoted", async () => {
  for (const protocol of ofSet) {
    const messages =
      protocol === "JSON" ? [text('{"key":"k","value":planted')] : [notUtf8, Buffer.from([0x0a, 200, 1])];
    for (const message of messages) {
      const failure = await call(protocol, "Set", { message });
      assert.equal(
        [failure.code, failure.reason, failure.outcome, failure.retryable],
        ["InvalidArgument", "INVALID_FIELD", "NOT_APPLIED", false],
        protocol,
      );
      assert.match(failure.message, "dynakv.v1.SetRequest");
      await assertReported("Set", "InvalidArgument", failure.message);
    }
  }
  for (const protocol of ofMGet) {
    const message = protocol === "JSON" ? text('{"keys":["planted') : notUtf8;
    const failure = await call(protocol, "MGet", { message });
    assert.equal([failure.code, failure.reason], ["InvalidArgument", "INVALID_FIELD"], protocol);
    await assertReported("MGet", "InvalidArgument", failure.message);
  }
});

test("a JSON field that is not as the schema has it is named, and its value is not", async () => {
  for (const [json, field] of [
    [{ key: { planted: 1 } }, "key"],
    [{ key: "k", value: "planted!" }, "value"],
    [{ key: "k", condition: { ifEtag: ["planted"] } }, "condition.if_etag"],
    [{ key: "k", ifAbsent: "planted" }, "ifAbsent"],
    [{ key: "k", expiry: { after: "planted" } }, "expiry.after"],
    [{ key: "k", "planted-name": 1 }, undefined],
  ] as const) {
    const failure = await call("JSON", "Set", { message: text(json) });
    assert.equal(
      [failure.code, failure.reason, failure.outcome, failure.field],
      ["InvalidArgument", "INVALID_FIELD", "NOT_APPLIED", field],
    );
    await assertReported("Set", "InvalidArgument", failure.message);
  }
  const failure = await call("JSON", "MGet", { message: text({ keys: [{ planted: 1 }] }) });
  assert.equal([failure.code, failure.field], ["InvalidArgument", "keys"]);
  await assertReported("MGet", "InvalidArgument", failure.message);
});

test("a message over the limit is INVALID_ARGUMENT, with the limit and its size", async () => {
  const value = Buffer.alloc(maxRequestBytes, "planted");
  const keys = Array.from({ length: 50_000 }, (_, n) => `planted-${n}-planted`);
  const set = toBinary(SetRequestSchema, create(SetRequestSchema, { key: "k", value }));
  const mGet = toBinary(MGetRequestSchema, create(MGetRequestSchema, { keys }));
  for (const protocol of ofSet) {
    const message = protocol === "JSON" ? text({ key: "k", value: value.toString("base64") }) : set;
    const failure = await call(protocol, "Set", { message });
    assert.equal(
      [failure.code, failure.reason, failure.outcome, failure.field],
      ["InvalidArgument", "VALUE_TOO_LARGE", "NOT_APPLIED", "value"],
      protocol,
    );
    assert.match(failure.message, `${message.length} bytes`);
    assert.match(failure.message, `${maxRequestBytes}`);
    await assertReported("Set", "InvalidArgument", failure.message);
  }
  const packed = await call("Connect", "Set", { message: gzipSync(set), headers: { "content-encoding": "gzip" } });
  assert.equal([packed.code, packed.reason], ["InvalidArgument", "VALUE_TOO_LARGE"]);
  assert.match(packed.message, `${maxRequestBytes}`);
  await assertReported("Set", "InvalidArgument", packed.message);
  for (const protocol of ofMGet) {
    const message = protocol === "JSON" ? text({ keys }) : mGet;
    const failure = await call(protocol, "MGet", { message });
    assert.equal([failure.code, failure.reason, failure.field], ["InvalidArgument", "INVALID_FIELD", "keys"], protocol);
    assert.match(failure.message, `${message.length} bytes`);
    await assertReported("MGet", "InvalidArgument", failure.message);
  }
});

test("a malformed deadline is INVALID_ARGUMENT, with the limit; one over the limit is served, and without a warning of Node's", async () => {
  const warnings: string[] = [];
  const note = ({ name }: Error) => warnings.push(name);
  process.on("warning", note);
  for (const protocol of ofSet) {
    const message = protocol === "JSON" ? text({}) : new Uint8Array();
    const isGrpc = protocol.startsWith("gRPC");
    const header = isGrpc ? "grpc-timeout" : "connect-timeout-ms";
    const callWithDeadline = (deadline: string) => call(protocol, "Incr", { message, headers: { [header]: deadline } });
    const malformed = await callWithDeadline("planted");
    assert.equal([malformed.code, malformed.outcome], ["InvalidArgument", "NOT_APPLIED"], protocol);
    assert.match(malformed.message, /malformed.* 60000/);
    await assertReported("Incr", "InvalidArgument", malformed.message);
    // The second is longer than a timer of Node's can be.
    for (const deadline of isGrpc ? ["61S", "99999999H"] : ["61000", "9999999999"]) {
      const failure = await callWithDeadline(deadline);
      // It gets as far as the key, of which there is none.
      assert.equal([failure.code, failure.reason], ["InvalidArgument", "INVALID_KEY"], protocol);
      await assertReported("Incr", "InvalidArgument", failure.message);
    }
  }
  // They are told in a turn of their own.
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", note);
  assert.equal(warnings, []);
});

test("a compression that is not known is UNIMPLEMENTED", async () => {
  const message = new Uint8Array();
  for (const [method, protocols] of [
    ["Delete", ofSet],
    ["MGet", ofMGet],
  ] as const) {
    for (const protocol of protocols) {
      const header = protocol.startsWith("gRPC")
        ? "grpc-encoding"
        : protocol === "Connect streaming"
          ? "connect-content-encoding"
          : "content-encoding";
      const failure = await call(protocol, method, { message, headers: { [header]: "planted" } });
      assert.equal([failure.code, failure.reason], ["Unimplemented", "UNIMPLEMENTED"], protocol);
      await assertReported(method, "Unimplemented", failure.message);
    }
  }
});

test("a message that is not compressed as it says is INVALID_ARGUMENT, and not applied", async () => {
  const message = Buffer.from("planted, and no compressed data");
  for (const encoding of ["gzip", "br"]) {
    const failure = await call("Connect", "Set", { message, headers: { "content-encoding": encoding } });
    assert.equal([failure.code, failure.outcome], ["InvalidArgument", "NOT_APPLIED"], encoding);
    await assertReported("Set", "InvalidArgument", failure.message);
  }
});

test("a content-type that is not served keeps its HTTP status and says why", async () => {
  const url = `${server.url}/dynakv.v1.KeyValueService/Set`;
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "text/planted" }, body: "planted" });
  assert.is(answer.status, 415);
  const body = await answer.text();
  assert.match(body, '"code":"unimplemented"');
  assert.match(body, "content-type");
  await assertReported("Set", "Unimplemented", body);
  assert.is((await fetch(url)).status, 405);
  await assertReported("Set", "Unimplemented", "");
});

test("a refused call of Connect's GET is one of them", async () => {
  const url = `${server.url}/dynakv.v1.KeyValueService/Get`;
  const answer = await fetch(`${url}?connect=v1&encoding=json&message=planted`);
  assert.is(answer.status, 400);
  await assertReported("Get", "InvalidArgument", await answer.text());
});

test("a call that is served is not reported", async () => {
  await server.client.set({ key: "k", value: new Uint8Array([1]) });
  await server.client.get({ key: "k" });
  for await (const _ of server.client.mGet({ keys: ["k"] })) {
    // Only the log matters.
  }
  assert.equal(lines, []);
});

test.run();
