import * as assert from "uvu/assert";
import { settingDefinitions } from "../../src/settings/settings.js";
import { assertRefused, load, secret, settingsOf } from "../support/given-settings.js";
import { suite } from "../support/suite.js";

const test = suite("settings that Celery has");

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

test.run();
