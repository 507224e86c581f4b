import { createHash } from "node:crypto";
import { ConnectError, createClient } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { ServerOptions } from "../../src/index.js";
import { failureOf } from "../support/errors.js";
import { type LogLine, type ObservedServer, startObservedServer } from "../support/observed-server.js";
import { suite } from "../support/suite.js";
import { createTransports } from "../support/test-server.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("access log");

/** The lines about calls, of a server with the given settings. */
async function linesOf(
  options: ServerOptions,
  act: (observed: ObservedServer) => Promise<unknown>,
): Promise<LogLine[]> {
  const observed = await startObservedServer(options);
  try {
    await act(observed);
  } finally {
    await observed.stop();
  }
  return observed.lines.filter(({ msg }) => msg.startsWith("call"));
}

async function makeCalls({ client, proxy }: ObservedServer): Promise<void> {
  await client.set({ key: "planted-key", value: Buffer.from("planted-value") });
  await failureOf(client.get({ key: "" }));
  proxy.decide = ({ operation }) =>
    operation === "GetItem"
      ? { kind: "answer", status: 400, body: { __type: "a#AccessDeniedException", message: "planted-message" } }
      : "forward";
  await failureOf(client.get({ key: "planted-key" }));
  proxy.reset();
}

test("each setting has its lines, and no line has a key or a value", async () => {
  const wanted = {
    all: ["call OK", "call failed InvalidArgument", "call failed Unavailable"],
    failed: ["call failed InvalidArgument", "call failed Unavailable"],
    off: ["call failed Unavailable"],
  };
  for (const [accessLog, expected] of Object.entries(wanted)) {
    const lines = await linesOf({ accessLog: accessLog as "all" }, makeCalls);
    assert.equal(
      lines.map(({ msg, code }) => `${msg} ${code}`),
      expected,
      accessLog,
    );
    assert.not.match(JSON.stringify(lines), "planted");
  }
});

test("a line tells who called what, by which protocol, and how much it was", async () => {
  const [line] = await linesOf({ accessLog: "all" }, ({ client }) =>
    client.set({ key: "k", value: new Uint8Array(100) }, { headers: { "x-request-id": "call-1" } }),
  );
  const { level, time, pid, hostname, ms, responseBytes, ...rest } = line as LogLine;
  assert.equal(rest, {
    id: "call-1",
    method: "dynakv.v1.KeyValueService/Set",
    code: "OK",
    remote: "127.0.0.1",
    protocol: "grpc",
    requestBytes: 110,
    keys: 1,
    msg: "call",
  });
  assert.ok(Number(ms) > 0 && Number(responseBytes) > 0);
});

test("keys are hashed when that is asked for, as sha256sum does it", async () => {
  const lines = await linesOf({ accessLog: "all", logKeys: "hashed" }, async ({ client }) => {
    await client.get({ key: "planted-a" });
    for await (const _ of client.mGet({ keys: ["planted-a", "planted-b"] })) {
      // Only that it ends matters.
    }
  });
  const hash = (key: string) => createHash("sha256").update(key).digest("hex").slice(0, 16);
  assert.equal(
    lines.map(({ keys, keyHashes }) => [keys, keyHashes]),
    [
      [1, [hash("planted-a")]],
      [2, [hash("planted-a"), hash("planted-b")]],
    ],
  );
  assert.not.match(JSON.stringify(lines), "planted");
});

test("on every protocol: the caller's request id comes back and is logged, and one that is none is replaced", async () => {
  const observed = await startObservedServer({ accessLog: "all" });
  const { url, lines } = observed;
  const ids: string[] = [];
  try {
    for (const [protocol, transport] of Object.entries(createTransports(url))) {
      const client = createClient(KeyValueService, transport);
      for (const [id, isTaken] of [
        ["order-7/a:b+c=d.e", true],
        ["has a space", false],
        ["x".repeat(129), false],
        ['{"json":1}', false],
      ] as const) {
        let got = "";
        const options = {
          headers: { "x-request-id": id },
          onHeader: (headers: Headers) => {
            got = headers.get("x-request-id") ?? "";
          },
        };
        await client.get({ key: "k" }, options);
        assert.is(got, isTaken ? id : "", `${protocol}: ${id}`);
        for await (const _ of client.mGet({ keys: ["k"] }, options)) {
          // Its header came before.
        }
        assert.is(got, isTaken ? id : "", `${protocol}, MGet: ${id}`);
        const error = await client.get({ key: "" }, options).catch(ConnectError.from);
        const told = got || (error as ConnectError).metadata.get("x-request-id") || "";
        assert.is(told === id, isTaken, `${protocol}, an error: ${id}`);
        assert.match(told, /^[\w.:/+=-]{1,128}$/);
        ids.push(told);
      }
    }
    await waitUntil("all have ended", () => ids.every((id) => lines.some((line) => line.id === id)));
    const protocols = new Set(lines.flatMap(({ protocol }) => protocol ?? []));
    assert.equal([...protocols].sort(), ["connect", "grpc", "grpc-web"]);
  } finally {
    await observed.stop();
  }
});

test("a call whose client leaves has one line, with what became of it", async () => {
  for (const protocol of ["gRPC", "Connect over HTTP/2", "Connect over HTTP/1.1"]) {
    const lines = await linesOf({}, async ({ url, proxy, lines }) => {
      const transport = createTransports(url)[protocol];
      assert.ok(transport);
      const client = createClient(KeyValueService, transport);
      let asked = false;
      proxy.decide = ({ operation }) => {
        asked ||= operation === "PutItem";
        return operation === "PutItem" ? "hang" : "forward";
      };
      const leave = new AbortController();
      const call = failureOf(client.set({ key: "k" }, { signal: leave.signal }));
      await waitUntil("DynamoDB is asked", () => asked);
      leave.abort();
      await call;
      await waitUntil("it is logged", () => lines.some(({ code }) => code === "Canceled"));
    });
    assert.equal(
      lines.map(({ code, reason, outcome }) => [code, reason, outcome]),
      [["Canceled", "CANCELED", "UNKNOWN"]],
      protocol,
    );
  }
});

test.run();
