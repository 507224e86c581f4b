import * as assert from "uvu/assert";
import { completeSettings } from "../../src/settings/complete-settings.js";
import { UsageError } from "../../src/settings/load-settings.js";
import { assertRefused, load, secret, settingsOf } from "../support/given-settings.js";
import { suite } from "../support/suite.js";

const test = suite("values of settings");

test("a wrong type is refused, with its source", () => {
  assertRefused({ argv: ["--read-capacity", "many"] }, /^--read-capacity: "many" is not an integer/);
  assertRefused({ argv: ["--read-capacity", "1.5"] }, /^--read-capacity: "1.5" is not an integer/);
  assertRefused({ env: { DYNAKV_TTL_SECONDS: "1d" } }, /^DYNAKV_TTL_SECONDS: "1d" is not an integer/);
  assertRefused({ config: { ttlSeconds: "600" } }, /^ttlSeconds in config file dynakv.json: "600" is not an integer/);
  assertRefused({ config: { ttlSeconds: null } }, /null is not an integer/);
  assertRefused({ config: { createTable: "true" } }, /createTable .*: "true" is not true or false/);
  assertRefused({ config: { table: 5 } }, /table .*: 5 is not a string/);
  assertRefused({ config: { secretAccessKey: [secret] } }, /secretAccessKey .*: what was given is not a string/);
  assertRefused({ argv: ["--log-level", "loud"] }, /^--log-level: "loud" must be one of silent, fatal/);
  assertRefused({ env: { DYNAKV_LOG_FORMAT: "xml" } }, /^DYNAKV_LOG_FORMAT: "xml" must be one of auto, json, text/);
});

test("a number out of range is refused, with the range", () => {
  assertRefused({ argv: ["--read-capacity", "0"] }, /^--read-capacity: 0 is out of range, which is 1 to 1000000$/);
  assertRefused({ config: { maxStreams: 0 } }, /^maxStreams in config file dynakv.json: 0 is out of range/);
  assertRefused({ env: { DYNAKV_MGET_CONCURRENCY: "257" } }, /^DYNAKV_MGET_CONCURRENCY: 257 is out of range/);
});

test("an access key without its secret is refused, and the reverse, whatever the source", () => {
  assertRefused({ argv: ["--access-key-id", "AKID"] }, /^--access-key-id: is without its secret/);
  assertRefused({ env: { DYNAKV_SECRET_ACCESS_KEY: secret } }, /^DYNAKV_SECRET_ACCESS_KEY: is without its access key/);
  assertRefused({ config: { accessKeyId: "AKID" } }, /^accessKeyId in config file dynakv.json: is without/);
  const settings = settingsOf({ argv: ["--access-key-id", "AKID"], env: { DYNAKV_SECRET_ACCESS_KEY: secret } });
  assert.is(settings.secretAccessKey, secret);
});

test("white space around a credential is taken off, whatever the source; a control character in one is refused by name", () => {
  for (const blank of ["\n", " ", "\r\n", "\t"]) {
    const { settings } = completeSettings({
      region: "us-east-1",
      accessKeyId: `${blank}AKIA${blank}`,
      secretAccessKey: `secret${blank}`,
      sessionToken: `token${blank}`,
    });
    const { accessKeyId, secretAccessKey, sessionToken } = settings;
    assert.equal([accessKeyId, secretAccessKey, sessionToken], ["AKIA", "secret", "token"]);
  }
  assert.is(completeSettings({ backend: "dynamodb://key:secret%0A@us-east-1" }).settings.secretAccessKey, "secret");
  for (const secretAccessKey of ["hun\nter2", "hun\u0000ter2", " \n"]) {
    try {
      completeSettings({ region: "us-east-1", accessKeyId: "AKIA", secretAccessKey });
      assert.unreachable();
    } catch (error) {
      assert.instance(error, UsageError);
      assert.match((error as Error).message, "secretAccessKey");
      assert.not.match((error as Error).message, "ter2");
    }
  }
});

test("an address to listen on is HOST:PORT", () => {
  for (const listen of [
    "127.0.0.1:0",
    "0.0.0.0:65535",
    "localhost:80",
    "db-1.example.com:1",
    "[::1]:50051",
    "[::]:0",
  ]) {
    assert.is(settingsOf({ argv: ["--listen", listen, "--allow-anyone-on-the-network"] }).listen, listen);
  }
  for (const listen of [
    "50051",
    ":50051",
    "localhost",
    "localhost:",
    "::1:80",
    "[::1]",
    "[localhost]:1",
    "[]:1",
    "a:65536",
    "a:-1",
    "a b:1",
    "http://a:1",
  ]) {
    assertRefused({ argv: [`--listen=${listen}`] }, /^--listen: ".*" is not HOST:PORT/);
  }
});

test("on the network, callers have to be known, and their tokens hidden", () => {
  const unknown =
    /^--listen: .* is not loopback, .* tokensFile or jwks .* tlsClientCa, .* 127\.0\.0\.1, .* --allow-anyone-on-the-network$/;
  const readable =
    /^--listen: .* is not loopback, .* tlsCert and tlsKey, .* 127\.0\.0\.1, .* --allow-plaintext-on-the-network /;
  const tls = ["--tls-cert", "c", "--tls-key", "k"];
  const jwks = ["--jwks", "f", "--jwt-issuer", "i", "--jwt-audience", "a"];
  for (const host of ["0.0.0.0", "[::]", "10.0.0.1", "kv.example.com", "127.example.com", "128.0.0.1", "[::2]"]) {
    const on = ["--listen", `${host}:1`];
    assertRefused({ argv: on }, unknown);
    assertRefused({ argv: [...on, ...tls] }, unknown);
    assertRefused({ argv: [...on, "--allow-plaintext-on-the-network"] }, unknown);
    assertRefused({ argv: [...on, "--tokens-file", "t"] }, readable);
    assertRefused({ argv: [...on, ...jwks] }, readable);
    assertRefused({ argv: [...on, ...jwks, "--allow-anyone-on-the-network"] }, readable);
    for (const enough of [
      ["--allow-anyone-on-the-network"],
      [...tls, "--allow-anyone-on-the-network"],
      [...tls, "--tokens-file", "t"],
      [...tls, ...jwks],
      [...tls, "--tls-client-ca", "a"],
      ["--tokens-file", "t", "--allow-plaintext-on-the-network"],
    ]) {
      assert.is(settingsOf({ argv: [...on, ...enough] }).listen, `${host}:1`);
    }
  }
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"]) {
    assert.is(settingsOf({ argv: ["--listen", `${host}:1`] }).listen, `${host}:1`);
  }
});

test("a setting of who may call is refused without what it needs", () => {
  const refused: [string[], RegExp][] = [
    [["--tls-cert", "c"], /^--tls-cert: needs tlsKey too/],
    [["--tls-key", "k"], /^--tls-key: needs tlsCert too/],
    [["--tls-client-ca", "a"], /^--tls-client-ca: needs tlsCert too/],
    [["--tls-client-auth", "required"], /^--tls-client-auth: needs tlsClientCa too/],
    [["--jwks", "f", "--jwt-issuer", "i"], /^--jwks: needs jwtAudience too/],
    [["--jwks", "f", "--jwt-audience", "a"], /^--jwks: needs jwtIssuer too/],
    [["--jwt-issuer", "i"], /^--jwt-issuer: needs jwks too/],
    [["--jwt-audience", "a"], /^--jwt-audience: needs jwks too/],
    [["--policy-file", "p"], /^--policy-file: needs tokensFile, jwks or tlsClientCa/],
    [["--introspection", "authenticated"], /^--introspection: authenticated needs tokensFile/],
    [["--jwks", "http://login.example.com/"], /^--jwks: must be an https:\/\/ URL/],
    [["--jwks", "ftp://login.example.com/"], /^--jwks: must be an https:\/\/ URL/],
    [["--jwks", `https://user:${secret}@login.example.com/`], /^--jwks: is not a JWKS URL/],
  ];
  for (const [argv, message] of refused) {
    assertRefused({ argv }, message);
  }
});

test("an endpoint is an http or https URL without credentials", () => {
  for (const endpoint of ["http://localhost:8000", "https://dynamodb.eu-west-1.amazonaws.com", "http://[::1]:8000/"]) {
    assert.is(settingsOf({ argv: ["--endpoint", endpoint] }).endpoint, endpoint);
  }
  for (const endpoint of [
    "localhost:8000",
    "ftp://a",
    "http://",
    "http:a",
    "http://a?b=c",
    "http://a#b",
    "http://a:99999",
  ]) {
    assertRefused(
      { env: { DYNAKV_ENDPOINT: endpoint } },
      /^DYNAKV_ENDPOINT: ".*" is not an http:\/\/ or https:\/\/ URL/,
    );
  }
  assertRefused({ argv: ["--endpoint", `http://AKID:${secret}@localhost:8000`] }, /^--endpoint: .* no credentials/);
});

test("table and region have the syntax that AWS wants", () => {
  assertRefused({ argv: ["--table", "ab"] }, /^--table: "ab" is not a table name/);
  assertRefused({ env: { DYNAKV_REGION: "US-EAST-1" } }, /^DYNAKV_REGION: "US-EAST-1" is not an AWS region/);
});

test("attribute names are distinct, of 1 to 255 bytes", () => {
  assertRefused(
    { argv: ["--value-attribute", "id"] },
    /^--value-attribute: names the same attribute as keyAttribute, "id"/,
  );
  assertRefused(
    { env: { DYNAKV_ETAG_ATTRIBUTE: "x" }, config: { expiryAttribute: "x" } },
    /^DYNAKV_ETAG_ATTRIBUTE: names the same attribute as expiryAttribute in config file dynakv.json, "x"/,
  );
  assertRefused({ argv: [`--key-attribute=${"ä".repeat(128)}`] }, /^--key-attribute: has 256 bytes; .* at most 255/);
  assertRefused({ argv: ["--key-attribute="] }, /^--key-attribute: is empty/);
  const widest = `a${"ä".repeat(127)}`;
  assert.is(settingsOf({ argv: ["--key-attribute", widest] }).keyAttribute, widest);
});

test("origins are a list of origins, or any", () => {
  assert.is(
    settingsOf({ argv: ["--cors-origins", "https://a.example, http://b.example:8080"] }).corsOrigins,
    "https://a.example,http://b.example:8080",
  );
  assert.is(settingsOf({ argv: ["--cors-origins", "*"] }).corsOrigins, "*");
  assert.is(settingsOf({ config: { corsOrigins: "" } }).corsOrigins, "");
  for (const origin of ["https://a.example/", "a.example", "https://a.example/path"]) {
    assertRefused(
      { argv: ["--cors-origins", `https://b.example,${origin}`] },
      /^--cors-origins: ".*" is not an origin/,
    );
  }
});

test("the longest deadline bounds the default one", () => {
  assert.is(settingsOf({ argv: ["--max-deadline-seconds", "10"] }).defaultDeadlineSeconds, 10);
  assertRefused(
    { argv: ["--default-deadline-seconds", "20"], env: { DYNAKV_MAX_DEADLINE_SECONDS: "10" } },
    /^--default-deadline-seconds: 20 is more than the 10 of DYNAKV_MAX_DEADLINE_SECONDS/,
  );
});

test("completing complete settings changes nothing", () => {
  const { settings } = load({
    argv: ["--backend", `dynamodb://AKID:${secret}@localhost:8000/results?ttl_seconds=-1`, "--max-deadline-seconds=10"],
  });
  assert.equal(completeSettings(settings), { settings, warnings: [] });
});

test("a library's settings are checked like those of the command line", () => {
  assert.throws(() => completeSettings({ readCapacity: 0 }), /^readCapacity: 0 is out of range/);
  assert.throws(() => completeSettings({ backend: "redis://" }), /^backend: connection URL: the scheme must be/);
  assert.is(completeSettings({ backend: "dynamodb://@eu-west-1", table: "results" }).settings.region, "eu-west-1");
});

test.run();
