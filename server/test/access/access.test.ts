import { once } from "node:events";
import { constants } from "node:http2";
import { connect } from "node:net";
import { createClient as createConnectClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { pino } from "pino";
import * as assert from "uvu/assert";
import { createClient as createGrpcJsClient } from "../../../client/src/grpc-js.js";
import { createClient, DynakvError } from "../../../client/src/index.js";
import { InfoService } from "../../../gen/dynakv/v1/info_service_pb.js";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { Health, HealthCheckResponse_ServingStatus } from "../../../gen/grpc/health/v1/health_pb.js";
import { ServerReflection } from "../../../gen/grpc/reflection/v1/reflection_pb.js";
import { createFailures } from "../../src/access/failed-attempts.js";
import type { Server } from "../../src/index.js";
import { type Attempt, badAttempts, bearer, overTls } from "../support/bad-attempts.js";
import {
  addressOf,
  callersOfTests,
  type FormSender,
  formsOf,
  inGroups,
  type Method,
  methods,
  pathOf,
  sendByForm,
} from "../support/every-form.js";
import { audience, type GuardedServers, issuer, startGuardedServers } from "../support/guarded-servers.js";
import { suite } from "../support/suite.js";
import { waitUntil } from "../support/wait-until.js";
import { encodeFrames, type Frame, frameTypes, preface, settingsFrame, uint32 } from "../support/wire/frames.js";
import { http2Frames, rpcRequest } from "../support/wire/requests.js";
import { sendForm, type WireForm, wireForms } from "../support/wire-forms.js";

const test = suite("who may call");

const { get, mGet } = KeyValueService.method;
const send: FormSender = (...call) => sendByForm(servers, ...call);

let servers: GuardedServers;
/** A server of its own, which has refused a call and a TLS handshake of each of eight addresses, and what it has logged. */
let refusing: { readonly server: Server; readonly log: readonly Record<string, unknown>[] };

test.before(async () => {
  servers = await startGuardedServers(callersOfTests);
});

test.before(async () => {
  const log: Record<string, unknown>[] = [];
  const { url, server } = await servers.another({
    tokensFile: servers.path("tokens.json"),
    tlsCert: servers.path("cert.pem"),
    tlsKey: servers.path("key.pem"),
    logger: pino({ level: "info" }, { write: (line: string) => log.push(JSON.parse(line)) }),
  });
  refusing = { server, log };
  const { hostname: host, port } = new URL(url);
  for (let nth = 1; nth <= 8; nth++) {
    const from = addressOf(nth);
    const address = from === undefined ? {} : { from };
    await sendForm(wireForms[0] as WireForm, {
      url,
      path: pathOf(get),
      body: encodeFrames([]),
      tls: { ca: servers.authority.cert },
      ...address,
    });
    const socket = connect({ host, port: Number(port), ...(from === undefined ? {} : { localAddress: from }) });
    socket.end("no TLS at all\n").resume();
    await once(socket, "close");
  }
});

test.before.each(() => servers.forget());

test.after(() => servers.stop());

test("pages may ask whether they may send a token, and nothing else without one", async () => {
  const url = `${servers.plain}${pathOf(get)}`;
  const origin = "http://localhost:3000";
  const asked = await fetch(url, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    },
  });
  assert.is(asked.status, 204);
  assert.match(asked.headers.get("access-control-allow-headers") ?? "", /authorization/i);
  assert.is(asked.headers.get("access-control-allow-credentials"), null);
  assert.is((await fetch(url, { method: "OPTIONS" })).status, 401);
  assert.is((await fetch(url, { method: "OPTIONS", headers: { origin: "https://evil.example.com" } })).status, 401);
  const refused = await fetch(url, {
    method: "POST",
    headers: { origin, "content-type": "application/json" },
    body: "{}",
  });
  assert.is(refused.status, 401);
  assert.is(refused.headers.get("access-control-allow-origin"), origin);
  assert.is(refused.headers.get("www-authenticate"), "Bearer");
  await refused.text();
});

test("whoever cannot say who they are is refused in every protocol, before the body is read, with one message", async () => {
  const attempts = Object.entries(await badAttempts(servers));
  const messages = new Set<string>();
  const all = attempts.flatMap(([name, attempt], index) =>
    // The other methods take part in turn: they have the same interceptor.
    formsOf([get, mGet, methods[index % methods.length] as Method])
      .filter(([, { name: form }], position) =>
        position < 16 ? !name.endsWith("over TLS") || /^gRPC$|^JSON over/.test(form) : form === "gRPC",
      )
      .map(([method, form]) => [`${name}: ${method.name} by ${form.name}`, method, form, attempt] as const),
  );
  await inGroups(all, async ([name, method, form, attempt]) => {
    const { code, message } = await send(form, method, undefined, attempt).catch((error: Error) => {
      throw new Error(`${name}: ${error.message}`);
    });
    assert.is(code, "Unauthenticated", name);
    messages.add(message);
  });
  assert.is(messages.size, 1, [...messages].join("\n"));
  assert.equal(servers.reached(), []);
  assert.ok(all.length > 600, `${all.length}`);
});

test("clients get the same errors as the wire has", async () => {
  const certificate = await servers.authority.issue({ name: "billing" });
  const ca = servers.authority.cert;
  for (const create of [createClient, createGrpcJsClient]) {
    const outcomes = async (options: Parameters<typeof create>[0]) => {
      const client = create({ ...options, retries: false });
      const reasonOf = (error: unknown) => (error instanceof DynakvError ? error.reason : String(error));
      const calls = [client.get("orders:1"), client.get("other:1"), client.mget(["orders:1", "other:1"]).toMap()];
      const reasons = await Promise.all(calls.map((call) => call.then(() => "ok", reasonOf)));
      client.close();
      return reasons;
    };
    const unknown = ["UNAUTHENTICATED", "UNAUTHENTICATED", "UNAUTHENTICATED"];
    assert.equal(await outcomes({ address: servers.plain, token: "wrong" }), unknown);
    const stranger = await outcomes({ address: servers.plain, token: servers.token("stranger") });
    assert.equal(stranger, ["PERMISSION_DENIED", "PERMISSION_DENIED", "PERMISSION_DENIED"]);
    assert.equal(servers.reached(), []);
    const known = ["ok", "PERMISSION_DENIED", "PERMISSION_DENIED"];
    assert.equal(await outcomes({ address: servers.plain, token: servers.token("orders") }), known);
    assert.equal(await outcomes({ address: servers.secure, tls: { ca, ...certificate } }), known);
    servers.forget();
  }
});

test("whoever is known may do what the policy says, in every protocol", async () => {
  const attempts: Record<string, Attempt> = {
    "a token": { headers: bearer(servers.token("orders")) },
    "a token, with the scheme in small letters": { headers: { authorization: `bearer ${servers.token("orders")}` } },
    "a token over TLS": { headers: bearer(servers.token("orders")), certificate: overTls },
    "a JWT": { headers: bearer(await servers.jwt()) },
    "a JWT for several": { headers: bearer(await servers.jwt({ aud: ["another", audience] })) },
    "a JWT of a group": { headers: bearer(await servers.jwt({ sub: ["nobody", "group-7"] as never })) },
    "a certificate with a DNS name": {
      certificate: await servers.authority.issue({
        name: "nobody",
        alternatives: [
          { type: "url", value: "spiffe://example.com/billing" },
          { type: "dns", value: "billing.internal" },
        ],
      }),
    },
    "a certificate with a common name": { certificate: await servers.authority.issue({ name: "billing" }) },
  };
  const all = Object.entries(attempts).flatMap(([name, attempt]) =>
    formsOf([get, mGet]).map(([method, form]) => [name, attempt, method, form] as const),
  );
  await inGroups(all, async ([name, attempt, method, form]) => {
    const message = method === mGet ? { keys: ["orders:1", "orders:2"] } : { key: "orders:1" };
    assert.is((await send(form, method, message, attempt)).code, "ok", `${name}: ${method.name} by ${form.name}`);
  });
  assert.ok(servers.reached().length > 0);
});

test("health is open, and reflection, information and paths that there are not are for those who are known", async () => {
  const { check, list } = Health.method;
  for (const [method, form] of formsOf([check, list])) {
    assert.is((await send(form, method, {}, {})).code, "ok", `${method.name} by ${form.name}`);
    assert.is((await send(form, method, {}, { certificate: overTls })).code, "ok", `${method.name} by ${form.name}`);
  }
  const health = createConnectClient(Health, createGrpcTransport({ baseUrl: servers.plain }));
  const leaving = new AbortController();
  for await (const { status } of health.watch({}, { signal: leaving.signal })) {
    assert.is(status, HealthCheckResponse_ServingStatus.SERVING);
    break;
  }
  leaving.abort();
  const closed = [...InfoService.methods, ...ServerReflection.methods] as readonly Method[];
  const listServices = { messageRequest: { case: "listServices", value: "" } };
  for (const [method, form] of formsOf(closed)) {
    const name = `${method.name} by ${form.name}`;
    const message = method.methodKind === "unary" ? {} : listServices;
    assert.is((await send(form, method, undefined, {})).code, "Unauthenticated", name);
    // As whoever has heard one from somebody who may would say it again.
    assert.is((await send(form, method, message, {})).code, "Unauthenticated", name);
    const stranger = { headers: bearer(servers.token("stranger")) };
    assert.is((await send(form, method, undefined, stranger)).code, "PermissionDenied", name);
    assert.is((await send(form, method, message, { headers: bearer(servers.token("reader")) })).code, "ok", name);
  }
  const unknown = { ...get, name: "Dump" } as unknown as Method;
  for (const [, form] of formsOf([get])) {
    assert.is((await send(form, unknown, undefined, {})).code, "Unauthenticated", form.name);
  }
});

test("callers who leave while their JWT is checked give back their places, and stand in the log as gone", async () => {
  const { url } = await servers.another({
    jwks: servers.path("jwks.json"),
    jwtIssuer: issuer,
    jwtAudience: audience,
    maxCallsPerCaller: 3,
    accessLog: "all",
  });
  // Each is new to the server, and to check all of them takes it longer than to read the resets that follow.
  const ids = Array.from({ length: 200 }, (_, n) => `left-${n}`);
  const frames = await Promise.all(
    ids.map(async (id, n): Promise<[Frame, Frame]> => {
      const token = await servers.jwt({ jti: id });
      const headers = [["authorization", `Bearer ${token}`] as const, ["x-request-id", id] as const];
      const request = rpcRequest(get, "grpc", "proto", new Uint8Array(), headers);
      const stream = 2 * n + 1;
      const [, head] = http2Frames(request, stream) as [Frame, Frame];
      return [head, { type: frameTypes.rstStream, flags: 0, stream, payload: uint32(constants.NGHTTP2_CANCEL) }];
    }),
  );
  const { hostname: host, port } = new URL(url);
  const socket = connect({ host, port: Number(port) });
  try {
    await once(socket, "connect");
    socket.write(Buffer.concat([preface, encodeFrames([settingsFrame(), ...frames.map(([head]) => head)])]));
    setImmediate(() => socket.write(encodeFrames(frames.map(([, reset]) => reset))));
    const ended = () => servers.log.filter(({ id }) => ids.includes(String(id)));
    await waitUntil("all have ended", () => ended().length === ids.length);
    // No more than three of those whose check was quick are let in.
    const codes = new Set(ended().map(({ code }) => String(code)));
    codes.delete("ResourceExhausted");
    assert.equal([...codes], ["Canceled"]);
  } finally {
    socket.destroy();
  }
  const client = createClient({ address: url, token: await servers.jwt(), retries: false });
  await Promise.all(["a", "b", "c"].map((key) => client.get(key)));
  client.close();
});

test("a request without a valid host is refused, also when its caller had to be waited for", async () => {
  const { hostname: host, port } = new URL(servers.plain);
  for (const lines of ["HTTP/1.0", "HTTP/1.1\r\nhost: [", "HTTP/1.1\r\nhost: a b"]) {
    for (const token of [servers.token("orders"), await servers.jwt({ jti: lines })]) {
      const answer = await sendRaw(Number(port), host, [
        `POST ${pathOf(get)} ${lines}`,
        `authorization: Bearer ${token}`,
        "content-type: application/json",
        "content-length: 18",
        "",
        '{"key":"orders:1"}',
      ]);
      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.match(answer, /invalid Host header|no valid host|^HTTP\/1\.1 400 Bad Request\r\nConnection: close/);
    }
  }
});

test("only who may call is asked for a body that is not sent yet", async () => {
  const { hostname: host, port } = new URL(servers.plain);
  const request = (authorization: string) => [
    `POST ${pathOf(get)} HTTP/1.1`,
    "host: localhost",
    "connection: close",
    ...(authorization === "" ? [] : [`authorization: Bearer ${authorization}`]),
    "content-type: application/json",
    "content-length: 18",
    "expect: 100-continue",
    "",
    "",
  ];
  assert.match(await sendRaw(Number(port), host, request("")), /^HTTP\/1\.1 401 /);
  const body = '{"key":"orders:1"}';
  const answer = await sendRaw(Number(port), host, request(servers.token("orders")), body);
  assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
});

/** Sends lines as they are, and another part once something has come; resolves with all that was answered. */
async function sendRaw(port: number, host: string, lines: readonly string[], then = ""): Promise<string> {
  const socket = connect({ host, port, allowHalfOpen: true });
  let received = "";
  let isSent = false;
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text;
    if (then === "") {
      socket.end();
    } else if (!isSent) {
      socket.write(then);
      isSent = true;
    }
  });
  socket.write(lines.join("\r\n"));
  await once(socket, "end");
  socket.destroy();
  return received;
}

test("a server that stops leaves no sum of refused calls unwritten", async () => {
  const { url, server } = await servers.another({ tokensFile: servers.path("tokens.json") });
  const logged = servers.log.length;
  const client = createClient({ address: url, token: "wrong", retries: false });
  await Promise.allSettled([client.get("a"), client.set("b", new Uint8Array())]);
  client.close();
  await server.stop();
  const sums = servers.log.slice(logged).filter(({ msg }) => /^authentication failed/.test(String(msg)));
  // The others, whose calls were refused before, write theirs meanwhile.
  assert.ok(
    sums.some(({ calls }) => calls === 2),
    JSON.stringify(sums),
  );
});

test("of the addresses that fail the 5,000 that have failed last are known", () => {
  const lines: Record<string, unknown>[] = [];
  const failures = createFailures({
    logger: pino({ level: "warn" }, { write: (line: string) => lines.push(JSON.parse(line)) }),
  });
  for (let n = 0; n < 5010; n++) {
    failures.noteHandshake(`10.0.${n >> 8}.${n & 255}`, "ECONNRESET");
  }
  failures.close();
  // But for the five that are named.
  assert.equal(
    lines.map(({ addresses, handshakes }) => [addresses, handshakes]),
    [[4995, 4995]],
  );
});

test("each refusal is told once: with its address, or of more than five addresses in a sum", async () => {
  const { server, log } = refusing;
  const lines = () => log.filter(({ calls, handshakes }) => calls !== undefined || handshakes !== undefined);
  await waitUntil("it is told while the server runs", () => lines().length > 0);
  await server.stop();
  const sumOf = (name: "calls" | "handshakes") => lines().reduce((sum, line) => sum + Number(line[name] ?? 0), 0);
  assert.equal([sumOf("calls"), sumOf("handshakes")], [8, 8], JSON.stringify(lines()));
  if (process.platform === "linux") {
    const known = Array.from({ length: 8 }, (_, n) => addressOf(n + 1));
    const named = new Set(lines().flatMap(({ address }) => address ?? []));
    assert.equal(
      [...named].filter((address) => !known.includes(String(address))),
      [],
    );
    const others = lines().reduce((sum, { addresses }) => sum + Number(addresses ?? 0), 0);
    assert.ok(named.size + others >= known.length, JSON.stringify(lines()));
  }
});

test("the log has sums of what was refused, and no token", async () => {
  const text = JSON.stringify(servers.log);
  for (const { sha256 } of servers.entries) {
    assert.not.match(text, sha256);
  }
  for (const name of ["orders", "reader", "mixed", "stranger", "expired"]) {
    assert.not.match(text, servers.token(name));
  }
  assert.not.match(text, "eyJ");
  assert.not.match(text, "orders:");
  await waitUntil("a sum is written", () =>
    servers.log.some(({ msg, calls }) => /^authentication failed/.test(String(msg)) && Number(calls) > 0),
  );
  const each = servers.log.filter(({ code }) => code === "Unauthenticated");
  assert.equal(each, []);
});

test.run();
