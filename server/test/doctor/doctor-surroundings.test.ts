import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer as createRelay, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { embedded, expectTroubles, prepareDoctor } from "../support/doctor-grounds.js";
import { suite } from "../support/suite.js";

const test = suite("doctor: what is around the table");
const grounds = prepareDoctor(test);
const { findingsOf } = grounds;

/** Runs with some of the variables of the AWS SDK. */
async function withVariables<T>(variables: Readonly<Record<string, string>>, run: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return await run();
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = before[name];
      }
    }
  }
}

/** What is found where STS gives one answer, and how often it was asked. */
async function findingsBeside(sts: { status: number; xml: string }, clock?: () => number) {
  let asked = 0;
  const server = createHttpServer((_, response) => {
    asked++;
    response.writeHead(sts.status, { "content-type": "text/xml", connection: "close" }).end(sts.xml);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const AWS_ENDPOINT_URL_STS = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const findings = await withVariables({ AWS_ENDPOINT_URL_STS }, () => findingsOf({ table: grounds.table }, clock));
  server.close();
  return { findings, asked };
}

function stsError(code: string, message: string): string {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${error}</ErrorResponse>`;
}

const expiredSignature = {
  status: 403,
  xml: stsError(
    "SignatureDoesNotMatch",
    "Signature expired: 20261123T080357Z is now earlier than 20261123T080857Z (20261123T081357Z - 5 min.)",
  ),
};

test("who the credentials are, and that AWS does not know them", async () => {
  const arn = "arn:aws:iam::123456789012:user/alice";
  const xml = `<GetCallerIdentityResult><Arn>${arn}</Arn><Account>123456789012</Account></GetCallerIdentityResult>`;
  const known = await findingsBeside({ status: 200, xml });
  expectTroubles(known.findings, []);
  assert.ok(known.findings.includes(`ok identity: ${arn}`), known.findings.join("\n"));
  for (const code of ["InvalidClientTokenId", "SignatureDoesNotMatch"]) {
    const { findings } = await findingsBeside({ status: 403, xml: stsError(code, "planted-message") });
    expectTroubles(findings, [new RegExp(`^failure identity: AWS rejects the credentials as invalid \\(${code}\\)$`)]);
    assert.not.match(findings.join("\n"), "planted");
  }
  const failing = await findingsBeside({ status: 503, xml: stsError("ServiceUnavailable", "planted-message") });
  expectTroubles(failing.findings, []);
});

test("a clock that is off is not taken for wrong credentials", async () => {
  const far = await findingsBeside(expiredSignature, () => Date.now() - 600_000);
  expectTroubles(far.findings, [/^failure clock: it is (59[5-9]|60[0-5]) s behind/]);
  assert.ok(far.findings.some((finding) => /^skipped identity: not checked: the clock is too far off/.test(finding)));
  assert.is(far.asked, 0);
  const near = await findingsBeside(expiredSignature);
  expectTroubles(near.findings, [
    /^failure identity: refused for the time in its signature \(SignatureDoesNotMatch\)$/,
  ]);
  assert.is(near.asked, 1);
});

test("AWS is not asked who the credentials of another engine are, however it is named", async () => {
  for (const name of ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"]) {
    const findings = await withVariables({ [name]: grounds.proxy.endpoint }, () =>
      findingsOf({ table: grounds.table, endpoint: undefined }),
    );
    expectTroubles(findings, []);
    assert.ok(findings.includes(`ok endpoint: ${grounds.proxy.endpoint} answers`), findings.join("\n"));
    assert.not.match(findings.join("\n"), "identity");
  }
});

test("an AWS_ENDPOINT_URL_STS that is none", async () => {
  for (const AWS_ENDPOINT_URL_STS of ["foo", "localhost:5000"]) {
    const findings = await withVariables({ AWS_ENDPOINT_URL_STS }, () => findingsOf({ table: grounds.table }));
    expectTroubles(findings, [/^warning identity: cannot be asked for: AWS_ENDPOINT_URL_STS is not an http/]);
    assert.ok(findings.includes("ok right dynamodb:GetItem: allowed"));
  }
});

test("an endpoint that does not answer, and one that is no DynamoDB", async () => {
  grounds.proxy.outage(true);
  expectTroubles(await findingsOf({ table: grounds.table }), [/^failure endpoint: .* does not answer \(/]);
  const web = createHttpServer((_, response) => response.writeHead(404).end("<html>planted</html>"));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  const findings = await findingsOf({ table: grounds.table, endpoint });
  web.close();
  web.closeAllConnections();
  expectTroubles(findings, [/^failure endpoint: .* answers with HTTP status 404, and not as DynamoDB does$/]);
});

test("an endpoint on a port that browsers refuse", async () => {
  const sockets: Socket[] = [];
  const relay = createRelay((socket) => {
    const onwards = connect({ host: "127.0.0.1", port: Number(new URL(grounds.proxy.endpoint).port) });
    sockets.push(socket, onwards);
    for (const [from, to] of [
      [socket, onwards],
      [onwards, socket],
    ] as const) {
      from.on("error", () => to.destroy()).pipe(to);
    }
  });
  const port = await listenOnOneOf(relay, [6000, 10_080, 6566, 5061]);
  const findings = await findingsOf({ table: grounds.table, endpoint: `http://127.0.0.1:${port}` });
  relay.close();
  for (const socket of sockets) {
    socket.destroy();
  }
  expectTroubles(findings, []);
  assert.ok(findings.includes(`ok endpoint: http://127.0.0.1:${port} answers`), findings.join("\n"));
});

/** The first of the ports that is free. */
async function listenOnOneOf(server: Server, ports: readonly number[]): Promise<number> {
  for (const port of ports) {
    server.listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
      return port;
    } catch {
      // Another program has it.
    }
  }
  throw new Error(`none of ${ports.join(", ")} is free`);
}

test("the folder of the embedded engine, which is neither made nor opened", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dynakv-doctor-"));
  const file = join(folder, "file");
  await writeFile(file, "");
  const findings = (data: string) => findingsOf({ data, ...embedded });
  try {
    for (const data of [file, join(file, "below"), join(file, "far", "below")]) {
      expectTroubles(await findings(data), [/^failure data: '.*' is a file, or lies below one$/]);
    }
    const missing = join(folder, "one", "two");
    for (const [data, detail] of [
      [folder, `in the folder '${folder}'`],
      [missing, `the server will create '${missing}'`],
      ["memory", "in memory, and gone when the server ends"],
    ] as const) {
      const found = await findings(data);
      expectTroubles(found, []);
      assert.ok(found.includes(`ok data: ${detail}`), found.join("\n"));
    }
    // The superuser may write everywhere.
    if (process.getuid?.() !== 0) {
      await chmod(folder, 0o500);
      for (const data of [folder, missing]) {
        expectTroubles(await findings(data), [/^failure data: '.*' may not be read and written by this user$/]);
      }
      await chmod(folder, 0o700);
    }
    assert.equal(await readdir(folder), ["file"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("an address to listen on that is free, in use, or not to be had", async () => {
  const taken = createRelay();
  const listening = (listen: string) => findingsOf({ listen, data: "memory", ...embedded });
  // An address of its own: a port of 127.0.0.1 that is given up may be anybody's next one.
  taken.listen(0, "127.0.0.9");
  await once(taken, "listening");
  const address = `127.0.0.9:${(taken.address() as AddressInfo).port}`;
  expectTroubles(await listening(address), [/^warning listen: 127\.0\.0\.9:\d+ is in use: by a running dynakv\?$/]);
  expectTroubles(await findingsOf({ adminListen: address, data: "memory", ...embedded }), [
    /^warning adminListen: .* in use/,
  ]);
  taken.close();
  await once(taken, "close");
  // It is left free as well.
  for (let times = 0; times < 2; times++) {
    assert.ok((await listening(address)).includes(`ok listen: ${address} is free`));
  }
  assert.ok((await listening("127.0.0.1:0")).includes("ok listen: a free port of 127.0.0.1"));
  // Kept for documentation: no machine has it.
  const elsewhere = await findingsOf({
    listen: "192.0.2.1:50051",
    allowAnyoneOnTheNetwork: true,
    data: "memory",
    ...embedded,
  });
  expectTroubles(elsewhere, [/^failure listen: cannot listen on 192\.0\.2\.1:50051: no such address on this machine$/]);
});

test("the URL of the keys of JWTs, which is asked once", async () => {
  let keys: unknown;
  let asked = 0;
  const issuer = createHttpServer((_, response) => {
    asked++;
    response.writeHead(keys === undefined ? 404 : 200, { connection: "close" }).end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  const jwks = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`;
  const given = { jwks, jwtIssuer: "https://login.example.com", jwtAudience: "dynakv", data: "memory", ...embedded };
  const publicKey = (type: "ec" | "x25519") => {
    const pair = type === "ec" ? generateKeyPairSync(type, { namedCurve: "P-256" }) : generateKeyPairSync(type);
    return pair.publicKey.export({ format: "jwk" });
  };
  try {
    keys = [publicKey("ec")];
    const well = await findingsOf(given);
    expectTroubles(well, []);
    assert.ok(well.includes("ok jwks: holds 1"), well.join("\n"));
    assert.is(asked, 1);
    keys = [{ ...publicKey("ec"), kid: "1" }, publicKey("x25519")];
    assert.ok((await findingsOf(given)).includes("ok jwks: holds 2, 1 of which can check a JWT"));
    for (const [answered, found] of [
      [[publicKey("x25519")], /^warning jwks: holds 1, and none that can check a JWT/],
      [[{ ...publicKey("ec"), use: "enc" }], /^warning jwks: holds 1, and none that can check a JWT/],
      [[], /^warning jwks: the URL's answer: keys: is empty: callers with JWTs are refused/],
      [undefined, /^warning jwks: the URL returned HTTP 404: callers with JWTs are refused/],
    ] as const) {
      keys = answered;
      expectTroubles(await findingsOf(given), [found]);
    }
  } finally {
    issuer.close();
  }
  expectTroubles(await findingsOf(given), [/^warning jwks: cannot connect to the URL \(ECONNREFUSED\): callers/]);
});

test.run();
