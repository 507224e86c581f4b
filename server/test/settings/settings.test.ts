import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { version } from "../../../common/version.js";
import { completeSettings } from "../../src/settings/complete-settings.js";
import { renderHelp, renderSettingsTable } from "../../src/settings/help.js";
import { loadSettings, UsageError } from "../../src/settings/load-settings.js";
import { environmentName, flagName } from "../../src/settings/setting-names.js";
import { type Settings, settingDefinitions } from "../../src/settings/settings.js";
import { suite } from "../support/suite.js";

const test = suite("settings");

const secret = "s3cr3tW0rd";

interface Given {
  argv?: string[];
  env?: Record<string, string | undefined>;
  /** The config file's settings, or its text. */
  config?: object | string;
}

function load({ argv = [], env = {}, config }: Given) {
  const loaded = loadSettings({
    argv: config === undefined ? argv : ["--config", "dynakv.json", ...argv],
    env,
    readFile: (path) => {
      assert.is(path, "dynakv.json");
      return typeof config === "string" ? config : JSON.stringify(config);
    },
  });
  if (loaded.kind !== "settings") {
    throw new Error(`asked for ${loaded.kind}`);
  }
  return loaded;
}

function settingsOf(given: Given): Settings {
  return load(given).settings;
}

function assertRefused(given: Given, message: RegExp): void {
  assert.throws(
    () => load(given),
    (error: Error) => {
      assert.instance(error, UsageError);
      assert.match(error.message, message);
      assert.not.match(error.message, /\n/);
      assert.not(error.message.includes(secret), `the secret is in: ${error.message}`);
      return true;
    },
  );
}

test("Celery 8: the defaults are table celery, on-demand billing, the table's TTL left alone, and the AWS chain", () => {
  const { settings, warnings } = load({});
  assert.equal(warnings, []);
  assert.equal(settings, Object.fromEntries(settingDefinitions.map(({ name, default: value }) => [name, value])));
  assert.is(settings.table, "celery");
  for (const name of ["readCapacity", "writeCapacity", "ttlSeconds", "region", "endpoint", "accessKeyId"] as const) {
    assert.is(settings[name], undefined, name);
  }
});

test("Celery 1: the backend dynamodb:// alone leaves every default as it is", () => {
  assert.equal(settingsOf({ argv: ["--backend", "dynamodb://"] }), { ...settingsOf({}), backend: "dynamodb://" });
});

test("Celery 2 to 4: every part of the connection URL becomes its setting", () => {
  const backend = "dynamodb://key:sec%2Fret@eu-west-1/celery_results?read=10&write=20&ttl_seconds=600";
  assert.equal(settingsOf({ env: { DYNAKV_BACKEND: backend } }), {
    ...settingsOf({}),
    backend,
    accessKeyId: "key",
    secretAccessKey: "sec/ret",
    region: "eu-west-1",
    table: "celery_results",
    readCapacity: 10,
    writeCapacity: 20,
    ttlSeconds: 600,
  });
});

test("Celery 5: a local connection URL sets the endpoint and warns of it", () => {
  const { settings, warnings } = load({ argv: ["--backend=dynamodb://@localhost:8000"] });
  assert.is(settings.endpoint, "http://localhost:8000");
  assert.is(settings.region, "us-east-1");
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? "", /the local endpoint http:\/\/localhost:8000/);
});

test("Celery 6: an explicit endpoint wins over that of the URL, from every source, and nothing is warned of", () => {
  const backend = "dynamodb://@localhost:8000";
  const endpoint = "http://scylla.example.com:8043";
  for (const given of [
    { argv: ["--backend", backend, "--endpoint", endpoint] },
    { argv: ["--backend", backend], env: { DYNAKV_ENDPOINT: endpoint } },
    { argv: ["--backend", backend], config: { endpoint } },
    { config: { endpoint, backend } },
  ]) {
    const { settings, warnings } = load(given);
    assert.is(settings.endpoint, endpoint);
    assert.is(settings.region, "us-east-1");
    assert.equal(warnings, []);
  }
});

test("Celery 7: an error of the URL names where the URL came from", () => {
  const backend = `dynamodb://AKID:${secret}@us-east-1?ttl_seconds=1d`;
  const message = "connection URL: the parameter ttl_seconds is not an integer";
  assertRefused({ argv: ["--backend", backend] }, new RegExp(`^--backend: ${message}`));
  assertRefused({ env: { DYNAKV_BACKEND: backend } }, new RegExp(`^DYNAKV_BACKEND: ${message}`));
  assertRefused({ config: { backend } }, new RegExp(`^backend in config file dynakv.json: ${message}`));
});

test("Celery 31: a session token goes with the credentials", () => {
  const env = { DYNAKV_BACKEND: `dynamodb://AKID:${secret}@us-east-1`, DYNAKV_SESSION_TOKEN: "token" };
  assert.is(settingsOf({ env }).sessionToken, "token");
  assertRefused({ env: { DYNAKV_SESSION_TOKEN: secret } }, /^DYNAKV_SESSION_TOKEN: is without its access key/);
});

test("Celery 31: an account without the right to create tables says so", () => {
  assert.is(settingsOf({ argv: ["--no-create-table"] }).createTable, false);
});

test("the flag of the console needs no value", () => {
  assert.is(settingsOf({}).console, undefined);
  for (const [argv, expected] of [
    [["--console"], "on"],
    [["--console", "--data", "memory"], "on"],
    [["--data", "memory", "--console"], "on"],
    [["--console", "read-only"], "read-only"],
    [["--console=off"], "off"],
  ] as const) {
    assert.is(settingsOf({ argv: [...argv] }).console, expected, argv.join(" "));
  }
  assertRefused({ argv: ["--console", "readonly"] }, /^--console: "readonly" must be one of on, read-only, off/);
  assertRefused({ argv: ["--listen"] }, /^--listen: needs a value/);
});

test("a flag wins over the environment, that over the config file, that over the URL, that over the default", () => {
  const sources: Given[] = [
    { argv: ["--ttl-seconds", "1"] },
    { env: { DYNAKV_TTL_SECONDS: "2" } },
    { config: { ttlSeconds: 3 } },
    { env: { DYNAKV_BACKEND: "dynamodb://?ttl_seconds=4" } },
    {},
  ];
  for (const [index, expected] of [1, 2, 3, 4, undefined].entries()) {
    const rest = sources.slice(index);
    const config = rest.find(({ config }) => config !== undefined)?.config;
    const given: Given = {
      argv: rest.flatMap(({ argv = [] }) => argv),
      env: Object.assign({}, ...rest.map(({ env }) => env)),
      ...(config === undefined ? {} : { config }),
    };
    assert.is(settingsOf(given).ttlSeconds, expected);
  }
});

test("every setting can be given as a flag, in the environment and in the config file", () => {
  const values: Required<Settings> = {
    listen: "[::1]:0",
    backend: "dynamodb://",
    data: "memory",
    table: "results",
    readCapacity: 5,
    writeCapacity: 6,
    region: "eu-west-1",
    endpoint: "https://db.example.com",
    accessKeyId: "AKID",
    secretAccessKey: secret,
    sessionToken: "token",
    ttlSeconds: 7,
    createTable: false,
    tableWaitSeconds: 8,
    keyAttribute: "k",
    valueAttribute: "v",
    counterAttribute: "c",
    writeTimeAttribute: "w",
    expiryAttribute: "x",
    etagAttribute: "e",
    requestsAttribute: "r",
    membersAttribute: "m",
    exactExpiryAttribute: "y",
    requestWindowSeconds: 140,
    requestSlots: 16,
    workers: 3,
    maxRequestBytes: 1_000_000,
    maxKeys: 20,
    maxStreams: 9,
    maxConnections: 21,
    maxConnectionsPerAddress: 22,
    connectionIdleSeconds: 23,
    maxConnectionAgeSeconds: 300,
    connectionAgeGraceSeconds: 31,
    http1KeepAliveSeconds: 620,
    maxResetsPerSecond: 77,
    bodyTimeoutSeconds: 24,
    maxCalls: 25,
    maxCallsPerCaller: 26,
    memoryBytes: 67_108_864,
    overload: "off",
    defaultDeadlineSeconds: 10,
    maxDeadlineSeconds: 11,
    mgetConcurrency: 12,
    dataPlane: "sdk",
    tlsCert: "cert.pem",
    tlsKey: "key.pem",
    tlsClientCa: "ca.pem",
    tlsClientAuth: "required",
    tokensFile: "tokens.json",
    jwks: "https://login.example.com/jwks.json",
    jwtIssuer: "https://login.example.com",
    jwtAudience: "dynakv",
    jwtClaim: "client_id",
    policyFile: "policy.json",
    introspection: "off",
    allowAnyoneOnTheNetwork: true,
    allowPlaintextOnTheNetwork: true,
    allowedHosts: "dynakv.local",
    corsOrigins: "https://app.example.com",
    corsHeaders: "baggage",
    corsCredentials: true,
    drainSeconds: 13,
    adminListen: "127.0.0.1:9464",
    console: "read-only",
    accessLog: "all",
    logKeys: "hashed",
    logLevel: "debug",
    logFormat: "text",
  };
  const entries = Object.entries(values);
  assert.equal(
    entries.map(([name]) => name),
    settingDefinitions.map(({ name }) => name),
  );
  assert.equal(settingsOf({ argv: entries.map(([name, value]) => `${flagName(name)}=${value}`) }), values);
  assert.equal(
    settingsOf({ env: Object.fromEntries(entries.map(([name, value]) => [environmentName(name), `${value}`])) }),
    values,
  );
  assert.equal(settingsOf({ config: values }), values);
});

test("names are the same in every source but for their spelling", () => {
  assert.is(flagName("ttlSeconds"), "--ttl-seconds");
  assert.is(environmentName("readCapacity"), "DYNAKV_READ_CAPACITY");
  assert.is(flagName("mgetConcurrency"), "--mget-concurrency");
});

test("a flag takes its value after a space or an equals sign, also a negative one", () => {
  assert.is(settingsOf({ argv: ["--table", "one", "--ttl-seconds", "-1"] }).ttlSeconds, -1);
  assert.is(settingsOf({ argv: ["--ttl-seconds=-1"] }).ttlSeconds, -1);
  assert.is(settingsOf({ argv: ["--secret-access-key=-x=y", "--access-key-id", "a"] }).secretAccessKey, "-x=y");
});

test("a switch is set by itself, by its opposite, or by true and false", () => {
  const values: [string, boolean][] = [
    ["--create-table", true],
    ["--no-create-table", false],
    ["--create-table=false", false],
    ["--create-table=true", true],
  ];
  for (const [flag, expected] of values) {
    assert.is(settingsOf({ argv: [flag], env: { DYNAKV_CREATE_TABLE: `${!expected}` } }).createTable, expected);
  }
  assertRefused({ argv: ["--create-table=yes"] }, /^--create-table: "yes" is not true or false/);
  assertRefused({ argv: ["--create-table="] }, /^--create-table: "" is not true or false/);
  assertRefused({ argv: ["--no-create-table=true"] }, /^--no-create-table: takes no value/);
});

test("an unknown flag is refused, and the nearest one named", () => {
  assertRefused({ argv: ["--tabel", "x"] }, /^unknown flag --tabel; did you mean --table\?$/);
  assertRefused({ argv: ["--no-creat-table"] }, /^unknown flag --no-creat-table; did you mean --no-create-table\?$/);
  assertRefused({ argv: ["--no-table"] }, /^unknown flag --no-table/);
  assertRefused({ argv: ["--ttlSeconds", "1"] }, /^unknown flag --ttlSeconds; did you mean --ttl-seconds\?$/);
  assertRefused({ argv: ["--frobnicate"] }, /^unknown flag --frobnicate$/);
  assertRefused({ argv: ["-t", "x"] }, /^unknown flag -t/);
  assertRefused({ argv: [`--secret=${secret}`] }, /^unknown flag --secret/);
});

test("a flag without its value is refused", () => {
  assertRefused({ argv: ["--table"] }, /^--table: needs a value/);
  assertRefused({ argv: ["--table", "--region", "eu-west-1"] }, /^--table: needs a value/);
  assertRefused({ argv: ["--table="] }, /^--table: is empty/);
  assertRefused({ argv: ["--config="] }, /^--config: is empty/);
});

test("a repeated flag is refused", () => {
  assertRefused({ argv: ["--table", "one", "--table", "two"] }, /^--table: is given more than once/);
  assertRefused({ argv: ["--create-table", "--no-create-table"] }, /^--no-create-table: is given more than once/);
  assertRefused({ argv: ["--config", "one"], config: {} }, /^--config: is given more than once/);
});

test("an argument that is no flag is refused without being shown", () => {
  assertRefused({ argv: [`dynamodb://AKID:${secret}@us-east-1`] }, /^unexpected argument, number 1 .*--backend URL/);
  assertRefused({ argv: ["--secret-access-key=", secret] }, /^unexpected argument, number 2/);
  assertRefused({ argv: ["--", secret] }, /^unexpected argument/);
});

test("an error is one line without control characters, whatever it quotes", () => {
  const path = "a\nb\u001b[31m\u2028";
  const read = { argv: ["--config", path], env: {}, readFile: () => "[]" };
  assert.throws(() => loadSettings(read), /^config file a\\u000ab\\u001b\[31m\\u2028: must be a JSON object/);
  assertRefused({ env: { DYNAKV_WORKERS: "1\u009b2J\u007f" } }, /: "1\\u009b2J\\u007f" is not an integer$/);
});

test("a number of a kind that JSON does not have is refused like any other", () => {
  assert.throws(() => completeSettings({ workers: 1n as never }), /^workers: 1n is not an integer$/);
});

test("what is far too long for its setting is not shown: it may be a secret that has lost its own flag", () => {
  const secret = `planted${"s".repeat(33)}`;
  const refused: [Given, RegExp][] = [
    [{ argv: ["--workers", secret] }, /^--workers: what was given is not an integer$/],
    [{ env: { DYNAKV_CREATE_TABLE: secret } }, /: what was given is not true or false$/],
    [{ config: JSON.stringify({ logLevel: secret }) }, /: what was given must be one of silent, /],
    [{ argv: [`--=dynamodb://key:${secret}@a`] }, /^unknown flag$/],
    [{ argv: ["--backend", `dynamodb://us-east-1/${secret}:`] }, /the table: what was given is not a table name/],
    [{ argv: ["--backend", `dynamodb://us-east-1/b/${secret}`] }, /has more than the table's name: what was given$/],
    [{ argv: ["--backend", `dynamodb://us-east-1?${secret}`] }, /unknown parameter, there are/],
    [{ argv: ["--backend", `dynamodb://us-east-1?read=${secret}`] }, /is not an integer: what was given$/],
  ];
  for (const [given, message] of refused) {
    assertRefused(given, message);
  }
});

test("help and version are told whatever else is wrong", () => {
  const env = { DYNAKV_TABEL: "x" };
  assert.equal(loadSettings({ argv: ["--tabel", "--help"], env }), { kind: "help" });
  assert.equal(loadSettings({ argv: ["-h"], env }), { kind: "help" });
  assert.equal(loadSettings({ argv: ["--version"], env }), { kind: "version" });
  assert.equal(loadSettings({ argv: ["-v"], env }), { kind: "version" });
});

test("an unknown variable of ours in the environment is refused, and the nearest one named", () => {
  assertRefused(
    { env: { DYNAKV_TTL_SECOND: "1" } },
    /^unknown environment variable DYNAKV_TTL_SECOND; did you mean DYNAKV_TTL_SECONDS\?$/,
  );
  assertRefused({ env: { DYNAKV_SECRET: secret } }, /^unknown environment variable DYNAKV_SECRET/);
  assertRefused({ env: { DYNAKV_PORT: "50051" } }, /^unknown environment variable DYNAKV_PORT/);
});

test("the variables of others, of the test suite, of Kubernetes and of the commands that call a server are left alone", () => {
  const env = {
    PATH: "/bin",
    AWS_REGION: "eu-west-1",
    TABLE: "x",
    DYNAKV_TEST_ENDPOINT: "http://localhost:8000",
    DYNAKV_SERVICE_HOST: "10.0.0.11",
    DYNAKV_SERVICE_PORT: "50051",
    DYNAKV_SERVICE_PORT_GRPC: "50051",
    DYNAKV_PORT: "tcp://10.0.0.11:50051",
    DYNAKV_PORT_50051_TCP: "tcp://10.0.0.11:50051",
    DYNAKV_PORT_50051_TCP_PROTO: "tcp",
    DYNAKV_PORT_50051_TCP_PORT: "50051",
    DYNAKV_PORT_50051_TCP_ADDR: "10.0.0.11",
    DYNAKV_CANARY_SERVICE_HOST: "10.0.0.12",
    DYNAKV_ADDRESS: "https://kv.example.com",
    DYNAKV_TOKEN: "t",
  };
  assert.equal(settingsOf({ env }), settingsOf({}));
});

test("an empty variable counts as unset", () => {
  const env = Object.fromEntries(
    ["config", ...settingDefinitions.map(({ name }) => name)].map((name) => [environmentName(name), ""]),
  );
  assert.equal(settingsOf({ env: { ...env, DYNAKV_UNKNOWN: "" } }), settingsOf({}));
  assert.is(settingsOf({ env: { DYNAKV_TABLE: "" }, config: { table: "from-file" } }).table, "from-file");
});

test("the config file is named by flag or environment, the flag first", () => {
  const files = new Map([
    ["a.json", '{"table": "table-a"}'],
    ["b.json", '\uFEFF{"table": "table-b"}'],
  ]);
  const readFile = (path: string) => files.get(path) ?? "";
  const env = { DYNAKV_CONFIG: "b.json" };
  const tableOf = (loaded: ReturnType<typeof loadSettings>) => loaded.kind === "settings" && loaded.settings.table;
  assert.is(tableOf(loadSettings({ argv: [], env, readFile })), "table-b");
  assert.is(tableOf(loadSettings({ argv: ["--config", "a.json"], env, readFile })), "table-a");
});

test("an unknown setting in the config file is refused, and the nearest one named", () => {
  assertRefused({ config: { tabel: "x" } }, /^config file dynakv.json: unknown setting "tabel"; did you mean table\?$/);
  assertRefused({ config: { ttl_seconds: 1 } }, /unknown setting "ttl_seconds"; did you mean ttlSeconds\?$/);
  assertRefused({ config: { config: "x" } }, /unknown setting "config"/);
});

test("a config file that cannot be read or is no JSON object is refused, with the line", () => {
  assert.throws(
    () => loadSettings({ argv: ["--config", "/nowhere/x.json"], env: {} }),
    /^config file \/nowhere\/x.json: cannot be read \(ENOENT\)/,
  );
  assertRefused(
    { config: `{\n"secretAccessKey": "${secret}",\n}` },
    /^config file dynakv.json, line 3: is not valid JSON/,
  );
  assertRefused({ config: `{"secretAccessKey": ${secret}}` }, /^config file dynakv.json.*: is not valid JSON/);
  assertRefused({ config: "" }, /is not valid JSON/);
  for (const config of ["[]", "null", '"x"', "1"]) {
    assertRefused({ config }, /must be a JSON object of settings/);
  }
});

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

test("help shows every setting with its flag, its variable and its default, within 80 columns", () => {
  const help = renderHelp();
  for (const { name, default: value } of settingDefinitions) {
    assert.match(help, `  ${flagName(name)}`);
    const shown = value === undefined || value === "" ? "" : `, default ${value}`;
    assert.match(help, `[${environmentName(name)}${shown}]`);
  }
  assert.match(help, "[DYNAKV_CONFIG]");
  assert.equal(
    help.split("\n").filter((line) => line.length > 80 && line.includes(" ", 6)),
    [],
  );
});

test("the table of the docs has a row for every setting", () => {
  const rows = renderSettingsTable().trimEnd().split("\n");
  assert.is(rows.length, settingDefinitions.length + 2);
  for (const row of rows) {
    assert.is(row.replaceAll("\\|", "").split("|").length, 8, row);
  }
  assert.ok(
    rows.some((row) =>
      row.startsWith(
        "| `ttlSeconds` | `--ttl-seconds` | `DYNAKV_TTL_SECONDS` | `time_to_live_seconds`; `?ttl_seconds` |  |",
      ),
    ),
  );
});

test("the version is that of the package", () => {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  assert.is(version, manifest.version);
});

test.run();
