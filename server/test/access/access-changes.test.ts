import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { connect as connectTls } from "node:tls";
import { Code } from "@connectrpc/connect";
import { exportJWK, generateKeyPair } from "jose";
import { pino } from "pino";
import * as assert from "uvu/assert";
import { createClient, type DynakvClient, DynakvError } from "../../../client/src/index.js";
import { createToken, hashToken } from "../../src/access/tokens.js";
import { createAuthority } from "../support/certificates.js";
import { audience, type GuardedServers, issuer, startGuardedServers } from "../support/guarded-servers.js";
import { suite } from "../support/suite.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("changes of who may call");

let servers: GuardedServers;
const clients: DynakvClient[] = [];
const rule = (identity: string, ...rights: string[]) => ({ identities: [identity], rights, prefixes: ["k"] });

test.before(async () => {
  servers = await startGuardedServers({
    tokens: { steady: {}, leaving: {} },
    policy: { rules: [rule("token:steady", "read"), rule("token:leaving", "read"), rule("jwt:alice", "read")] },
  });
});

test.after(async () => {
  for (const client of clients) {
    client.close();
  }
  await servers.stop();
});

function clientWith(token: string, url = servers.plain): DynakvClient {
  const tls = url.startsWith("https:") ? { tls: { ca: servers.authority.cert } } : {};
  const client = createClient({ address: url, token, retries: false, ...tls });
  clients.push(client);
  return client;
}

/** `ok`, or the reason of the error. */
async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    return error instanceof DynakvError ? String(error.reason) : String(error);
  }
}

async function until(expected: string, call: () => Promise<unknown>): Promise<void> {
  await waitUntil(`${expected} comes`, async () => (await outcome(call())) === expected);
}

const warned = (text: string) => servers.log.filter(({ level, msg }) => level === 40 && String(msg).includes(text));

test("a token that leaves the file is refused, also on a connection that is open; a broken file changes nothing", async () => {
  const [steady, leaving] = [clientWith(servers.token("steady")), clientWith(servers.token("leaving"))];
  assert.equal([await outcome(steady.get("k")), await outcome(leaving.get("k"))], ["ok", "ok"]);
  await servers.replace("tokens.json", '{"tokens": [');
  await waitUntil("the broken file is seen", () => warned("tokensFile").length === 2);
  assert.match(String(warned("tokensFile")[0]?.msg), /is not valid JSON; keeping the version loaded before/);
  assert.equal([await outcome(steady.get("k")), await outcome(leaving.get("k"))], ["ok", "ok"]);
  const kept = servers.entries.filter(({ name }) => name === "steady");
  await servers.replace("tokens.json", JSON.stringify({ tokens: kept }));
  await until("UNAUTHENTICATED", () => leaving.get("k"));
  assert.is(await outcome(steady.get("k")), "ok");
  // It was said once by each server, however often the file was looked at.
  assert.is(warned("tokensFile").length, 2);
});

test("a policy that changes holds from the next call on, for callers that are known already", async () => {
  const steady = clientWith(servers.token("steady"));
  const alice = clientWith(await servers.jwt());
  assert.equal([await outcome(steady.get("k")), await outcome(alice.get("k"))], ["ok", "ok"]);
  await servers.replace("policy.json", JSON.stringify({ rules: [rule("token:steady", "write")] }));
  await until("PERMISSION_DENIED", () => steady.get("k"));
  assert.is(await outcome(alice.get("k")), "PERMISSION_DENIED");
  assert.is(await outcome(steady.set("k", new Uint8Array())), "ok");
  await servers.replace("policy.json", JSON.stringify({ rules: [rule("token:steady", "wite")] }));
  await waitUntil("the mistake is seen", () => warned("policyFile").length > 0);
  assert.match(String(warned("policyFile")[0]?.msg), /rules\[0\]\.rights\[0\]: must be read, write or delete/);
  assert.is(await outcome(steady.set("k", new Uint8Array())), "ok");
  await servers.replace(
    "policy.json",
    JSON.stringify({ rules: [rule("token:steady", "read", "write"), rule("jwt:alice", "read")] }),
  );
  await until("ok", () => alice.get("k"));
});

test("keys that are exchanged refuse the JWTs of the old ones, also those that were seen before", async () => {
  const alice = clientWith(await servers.jwt());
  assert.is(await outcome(alice.get("k")), "ok");
  const next = await generateKeyPair("ES256", { extractable: true });
  const renewed = clientWith(await servers.jwt({}, { kid: "key-2" }, next.privateKey));
  assert.is(await outcome(renewed.get("k")), "UNAUTHENTICATED");
  const jwk = { ...(await exportJWK(next.publicKey)), kid: "key-2" };
  await servers.replace("jwks.json", JSON.stringify({ keys: [jwk] }));
  await until("UNAUTHENTICATED", () => alice.get("k"));
  assert.is(await outcome(renewed.get("k")), "ok");
});

test("a certificate that is renewed is that of new connections; open ones stay, and a key alone changes nothing", async () => {
  const open = clientWith(servers.token("steady"), servers.secure);
  // Each server sees by itself that a file has changed: this one may not have the last policy yet.
  await until("ok", () => open.get("k"));
  const next = await servers.authority.issueServer({ name: "renewed" });
  await servers.replace("key.pem", next.key);
  await waitUntil("the key is seen", () => warned("is not the key of the certificate").length > 0);
  assert.is(await outcome(clientWith(servers.token("steady"), servers.secure).get("k")), "ok");
  assert.not.match(await subjectOf(servers.secure), "renewed");
  await servers.replace("cert.pem", next.cert);
  await waitUntil("the certificate is loaded", () =>
    servers.log.some(({ msg }) => String(msg).startsWith("TLS files: reloaded")),
  );
  assert.match(await subjectOf(servers.secure), "renewed");
  assert.is(await outcome(open.get("k")), "ok");
  assert.is(await outcome(clientWith(servers.token("steady"), servers.secure).get("k")), "ok");
});

async function subjectOf(url: string): Promise<string> {
  const { connect } = await import("node:tls");
  const { hostname: host, port } = new URL(url);
  const socket = connect({ host, port: Number(port), ca: servers.authority.cert });
  await once(socket, "secureConnect");
  const subject = JSON.stringify(socket.getPeerCertificate().subject);
  socket.destroy();
  return subject;
}

test("keys are fetched from a URL, again for a key that is not known, and kept when it fails", async () => {
  const first = await generateKeyPair("ES256", { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(first.publicKey)), kid: "a" }] };
  let status = 200;
  let asked = 0;
  let answers = Number.POSITIVE_INFINITY;
  const hung: ServerResponse[] = [];
  const issuing = createServer((_, response) => {
    asked++;
    if (asked > answers) {
      hung.push(response);
      return;
    }
    // As long as it may be.
    response.writeHead(status).end(JSON.stringify(jwks).padEnd(1_048_576));
  }).listen(0, "127.0.0.1");
  await once(issuing, "listening");
  const { port } = issuing.address() as AddressInfo;
  const { url } = await servers.another({
    jwks: `http://127.0.0.1:${port}/jwks.json`,
    jwtIssuer: issuer,
    jwtAudience: audience,
    jwtClaim: "client_id",
  });
  assert.is(asked, 1);
  const token = (kid: string) => servers.jwt({ client_id: "orders" }, { kid }, first.privateKey);
  assert.is(await outcome(clientWith(await token("a"), url).set("k", new Uint8Array())), "ok");
  status = 503;
  // An unknown key does not have it asked each time: anybody can name one.
  for (let n = 0; n < 5; n++) {
    assert.is(await outcome(clientWith(await token(`b${n}`), url).get("k")), "UNAUTHENTICATED");
  }
  assert.is(asked, 1);
  assert.is(await outcome(clientWith(await token("a"), url).get("k")), "ok");
  // Nor one that has never answered with keys.
  asked = 0;
  const keyless = await servers.another({
    jwks: `http://127.0.0.1:${port}/other.json`,
    jwtIssuer: issuer,
    jwtAudience: audience,
  });
  const startedAt = performance.now();
  for (let n = 0; n < 5; n++) {
    assert.is(await outcome(clientWith(await token("a"), keyless.url).get("k")), "UNAUTHENTICATED");
  }
  const seconds = Math.ceil((performance.now() - startedAt) / 1000);
  assert.ok(asked <= 1 + seconds, `asked ${asked} times in ${seconds} s`);
  // But soon again, since good tokens are refused until it has answered.
  status = 200;
  await waitUntil(
    "its keys are there",
    async () => (await outcome(clientWith(await token("a"), keyless.url).get("k"))) === "ok",
  );
  // An outage is told once, and a request that the server itself ends when it stops is none.
  status = 503;
  answers = asked + 2;
  const warnings: string[] = [];
  const stopping = await servers.another({
    jwks: `http://127.0.0.1:${port}/stopping.json`,
    jwtIssuer: issuer,
    jwtAudience: audience,
    logger: pino({ level: "warn" }, { write: (line: string) => warnings.push(JSON.parse(line).msg) }),
  });
  await waitUntil("it has asked twice, and waits for the third answer", () => hung.length > 0);
  const ended = once(hung[0] as ServerResponse, "close");
  await stopping.server.stop();
  await ended;
  assert.equal(
    warnings.filter((each) => each.startsWith("jwks")),
    ["jwks: the URL returned HTTP 503; keeping the cached keys; will retry"],
  );
  issuing.close();
});

test("keys whose URL returns more than a mebibyte are not taken, and the log says so", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: "a" }] };
  const issuing = createServer((_, response) => {
    response.end(JSON.stringify(jwks).padEnd(1_048_577));
  }).listen(0, "127.0.0.1");
  await once(issuing, "listening");
  const { port } = issuing.address() as AddressInfo;
  const warnings: string[] = [];
  const { url } = await servers.another({
    jwks: `http://127.0.0.1:${port}/jwks.json`,
    jwtIssuer: issuer,
    jwtAudience: audience,
    logger: pino({ level: "warn" }, { write: (line: string) => warnings.push(JSON.parse(line).msg) }),
  });
  await waitUntil("it is told", () => warnings.some((each) => each.includes("the response exceeds 1048576 bytes")));
  const token = await servers.jwt({ client_id: "orders" }, { kid: "a" }, privateKey);
  assert.is(await outcome(clientWith(token, url).get("k")), "UNAUTHENTICATED");
  issuing.close();
});

test("a JWT that names none of the keys is taken if any of them has signed it", async () => {
  const pairs = await Promise.all([1, 2].map(() => generateKeyPair("ES256", { extractable: true })));
  const keys = await Promise.all(
    pairs.map(async ({ publicKey }, n) => ({ ...(await exportJWK(publicKey)), kid: `${n}` })),
  );
  await writeFile(servers.path("two-keys.json"), JSON.stringify({ keys }));
  const jwks = servers.path("two-keys.json");
  const { url } = await servers.another({ jwks, jwtIssuer: issuer, jwtAudience: audience });
  const stranger = await generateKeyPair("ES256");
  const header = { alg: "ES256", kid: undefined } as { alg: string };
  for (const { privateKey } of pairs) {
    assert.is(await outcome(clientWith(await servers.jwt({}, header, privateKey), url).get("k")), "ok");
  }
  const forged = await servers.jwt({}, header, stranger.privateKey);
  assert.is(await outcome(clientWith(forged, url).get("k")), "UNAUTHENTICATED");
});

test("those who fail are slowed and then turned away, and who shares their address is served", async () => {
  const steady = clientWith(servers.token("steady"));
  const failing = createClient({ address: servers.plain, token: "wrong", retries: false, batching: false });
  clients.push(failing);
  assert.is(await outcome(steady.get("k")), "ok");
  let turnedAway: DynakvError[] = [];
  // On a busy machine some have waited for their second before others come: then there are more.
  for (let count = 80; turnedAway.length === 0 && count <= 640; count *= 2) {
    const failures = Promise.allSettled(Array.from({ length: count }, (_, n) => failing.get(`k${n}`)));
    for (let n = 0; n < 20; n++) {
      assert.is(await outcome(steady.get("k")), "ok");
    }
    const errors = (await failures).map((result) => (result.status === "rejected" ? result.reason : undefined));
    const refused = errors.filter(({ reason }) => reason === "UNAUTHENTICATED");
    turnedAway = errors.filter(({ reason }) => reason === "OVERLOADED");
    assert.is(refused.length + turnedAway.length, count);
    // So many wait at a time, and the first of them only for moments.
    assert.ok(refused.length >= 50, `${refused.length} refused`);
  }
  assert.ok(turnedAway.length > 0, "none was turned away");
  assert.ok(turnedAway.every(({ code, retryAfterMs = 0 }) => code === Code.ResourceExhausted && retryAfterMs > 0));
});

test("what expires is refused on connections that are open, too", async () => {
  let ahead = 0;
  const tls = {
    tlsCert: servers.path("cert.pem"),
    tlsKey: servers.path("key.pem"),
    tlsClientCa: servers.path("ca.pem"),
  };
  const { token, entry } = createToken("brief", new Date(Date.now() + 3_600_000));
  await writeFile(servers.path("brief.json"), JSON.stringify({ tokens: [entry] }));
  const keys = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "key-1" };
  await writeFile(servers.path("brief-jwks.json"), JSON.stringify({ keys: [jwk] }));
  const { url } = await servers.another({
    ...tls,
    tokensFile: servers.path("brief.json"),
    jwks: servers.path("brief-jwks.json"),
    jwtIssuer: issuer,
    jwtAudience: audience,
    clock: () => Date.now() + ahead,
  });
  const shared = { address: url, retries: false } as const;
  const ca = servers.authority.cert;
  const all = [
    createClient({ ...shared, tls: { ca }, token }),
    createClient({ ...shared, tls: { ca }, token: await servers.jwt({}, {}, keys.privateKey) }),
    createClient({ ...shared, tls: { ca, ...(await servers.authority.issue({ name: "brief" })) } }),
  ];
  clients.push(...all);
  const outcomes = () => Promise.all(all.map((client) => outcome(client.get("k"))));
  assert.equal(await outcomes(), ["ok", "ok", "ok"]);
  ahead = 700_000;
  assert.equal(await outcomes(), ["ok", "UNAUTHENTICATED", "ok"]);
  ahead = 4_000_000;
  assert.equal(await outcomes(), ["UNAUTHENTICATED", "UNAUTHENTICATED", "ok"]);
  ahead = 2 * 86_400_000;
  assert.equal(await outcomes(), ["UNAUTHENTICATED", "UNAUTHENTICATED", "UNAUTHENTICATED"]);
});

test("where only certificates name callers, a token means nothing; where they are required, nothing goes without", async () => {
  const tls = {
    tlsCert: servers.path("cert.pem"),
    tlsKey: servers.path("key.pem"),
    tlsClientCa: servers.path("ca.pem"),
  };
  const ca = servers.authority.cert;
  const certificate = await servers.authority.issue({ name: "a" });
  const optional = await servers.another(tls);
  const required = await servers.another({ ...tls, tlsClientAuth: "required" });
  for (const [{ url }, without] of [
    [optional, "UNAUTHENTICATED"],
    [required, "UNREACHABLE"],
  ] as const) {
    const known = createClient({ address: url, token: "any", retries: false, tls: { ca, ...certificate } });
    const unknown = createClient({ address: url, token: "any", retries: false, tls: { ca } });
    clients.push(known, unknown);
    assert.equal([await outcome(known.get("k")), await outcome(unknown.get("k"))], ["ok", without]);
  }
});

test("who was let in by an authority that is withdrawn is nobody any more, on connections that are open, too", async () => {
  const caFile = servers.path("callers-ca.pem");
  const [old, next] = await Promise.all([createAuthority("old callers"), createAuthority("new callers")]);
  await writeFile(caFile, old.cert);
  const { url } = await servers.another({
    tlsCert: servers.path("cert.pem"),
    tlsKey: servers.path("key.pem"),
    tlsClientCa: caFile,
  });
  const ca = servers.authority.cert;
  const certificate = await old.issue({ name: "a" });
  const client = createClient({ address: url, retries: false, tls: { ca, ...certificate } });
  clients.push(client);
  assert.is(await outcome(client.get("k")), "ok");
  const { hostname: host, port } = new URL(url);
  const kept = connectTls({ host, port: Number(port), ca, ...certificate });
  let received = "";
  kept.setEncoding("latin1").on("data", (text: string) => {
    received += text;
  });
  const body = '{"key":"k"}';
  const get = `POST /dynakv.v1.KeyValueService/Get HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  // The second is on its way when the authority is withdrawn.
  kept.write(get + get.slice(0, -body.length));
  await waitUntil("it is answered", () => received.includes(" 200 "));
  await writeFile(caFile, next.cert);
  await until("UNAUTHENTICATED", () => client.get("k"));
  kept.write(body);
  await once(kept, "end");
  assert.match(received, /connection: close/i);
  kept.destroy();
  const renewed = createClient({ address: url, retries: false, tls: { ca, ...(await next.issue({ name: "a" })) } });
  clients.push(renewed);
  assert.is(await outcome(renewed.get("k")), "ok");
});

test("reflection and information follow the setting", async () => {
  const tokensFile = servers.path("tokens.json");
  for (const [introspection, status, knownStatus] of [
    ["open", 200, 200],
    ["authenticated", 401, 200],
    ["off", 401, 501],
  ] as const) {
    const { url } = await servers.another({ tokensFile, introspection });
    const ask = (path: string, more: Record<string, string> = {}) =>
      fetch(`${url}/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", connection: "close", ...more },
        body: "{}",
      });
    const known = { authorization: `Bearer ${servers.token("steady")}` };
    assert.is((await ask("dynakv.v1.InfoService/GetInfo", known)).status, knownStatus, introspection);
    assert.is((await ask("dynakv.v1.InfoService/GetInfo")).status, status, introspection);
    assert.is((await ask("dynakv.v1.KeyValueService/Get")).status, 401, introspection);
    assert.is((await ask("grpc.health.v1.Health/Check")).status, 200, introspection);
  }
  const { url } = await servers.another({ introspection: "off" });
  const asked = await fetch(`${url}/dynakv.v1.InfoService/GetInfo`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: "{}",
  });
  assert.is(asked.status, 501);
  const open = createClient({ address: url, retries: false });
  clients.push(open);
  assert.is(await outcome(open.get("k")), "ok");
});

test("a token's hash is that of its bytes", () => {
  assert.is(hashToken("dynakv").toString("hex"), "8fb867a79c73431a6416803a419c8f8222483c54c50b2432ef256e5a36416db6");
});

test.run();
