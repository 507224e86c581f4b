import * as assert from "uvu/assert";
import { completeSettings } from "../../src/settings/complete-settings.js";
import { loadSettings } from "../../src/settings/load-settings.js";
import { environmentName, flagName } from "../../src/settings/setting-names.js";
import { type Settings, settingDefinitions } from "../../src/settings/settings.js";
import { assertRefused, type Given, secret, settingsOf } from "../support/given-settings.js";
import { suite } from "../support/suite.js";

const test = suite("settings by flag, environment and file");

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

test.run();
