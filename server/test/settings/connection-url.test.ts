import * as assert from "uvu/assert";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { parseConnectionUrl } from "../../src/settings/connection-url.js";
import { suite } from "../support/suite.js";

const test = suite("connection URL");

const secret = "s3cr3tW0rd";

/** The settings of a URL that warns of nothing. */
function settingsOf(url: string): object {
  const { settings, warnings } = parseConnectionUrl(url);
  assert.equal(warnings, [], url);
  return settings;
}

/** Asserts that a URL is refused, with an error that tells why, and nothing of the secret. */
function assertRefused(url: string, message: RegExp): void {
  assert.throws(
    () => parseConnectionUrl(url),
    (error: Error) => {
      assert.instance(error, UsageError);
      assert.match(error.message, message, url);
      assert.match(error.message, /^connection URL: /);
      assert.not.match(error.message, /\n/);
      assert.not(error.message.includes(url), `${url} is in the error`);
      for (const piece of [secret, "s3cr3t", "W0rd"]) {
        assert.not(error.message.includes(piece), `a piece of the secret is in: ${error.message}`);
      }
      return true;
    },
  );
}

test("Celery 1: dynamodb:// alone names nothing, and leaves region and credentials to the AWS chain", () => {
  assert.equal(settingsOf("dynamodb://"), {});
  assert.equal(settingsOf("dynamodb://@"), {});
  assert.equal(settingsOf("dynamodb:///"), {});
});

test("Celery 2: key, secret and region are read", () => {
  assert.equal(settingsOf("dynamodb://key:secret@test"), {
    accessKeyId: "key",
    secretAccessKey: "secret",
    region: "test",
  });
});

test("Celery 3: one of key and secret without the other is refused", () => {
  assertRefused("dynamodb://a:@", /secret is missing/);
  assertRefused("dynamodb://a@us-east-1", /secret is missing/);
  assertRefused(`dynamodb://:${secret}@`, /access key ID is missing/);
  assertRefused(`dynamodb://:${secret}@us-east-1/table`, /access key ID is missing/);
});

test("Celery 4: region, table, capacities and expiry are read, and no endpoint comes of them", () => {
  assert.equal(settingsOf("dynamodb://@us-east-1/celery_results?read=10&write=20&ttl_seconds=600"), {
    region: "us-east-1",
    table: "celery_results",
    readCapacity: 10,
    writeCapacity: 20,
    ttlSeconds: 600,
  });
});

test("Celery 5: localhost and IP addresses are local endpoints in us-east-1, with a warning", () => {
  const endpoints = {
    "@localhost:8000": "http://localhost:8000",
    "localhost:8000": "http://localhost:8000",
    "@LOCALHOST:8000": "http://localhost:8000",
    "@127.0.0.1:8000": "http://127.0.0.1:8000",
    "@10.1.2.3:65535": "http://10.1.2.3:65535",
    "@[::1]:8000": "http://[::1]:8000",
    "@[FE80::1]:1": "http://[fe80::1]:1",
  };
  for (const [place, endpoint] of Object.entries(endpoints)) {
    const { settings, warnings } = parseConnectionUrl(`dynamodb://${place}/celery_results`);
    assert.equal(settings, { endpoint, region: "us-east-1", table: "celery_results" });
    assert.is(warnings.length, 1);
    assert.ok(warnings[0]?.includes(`the local endpoint ${endpoint}`), warnings[0]);
  }
});

test("Celery 7: a number that is none is refused by its name", () => {
  assertRefused("dynamodb://@us-east-1?ttl_seconds=1d", /ttl_seconds is not an integer: "1d"/);
  for (const parameter of ["read", "write", "ttl_seconds"]) {
    for (const value of ["x", "", "1.5", "1e3", "0x10", "1_000", "%201", "+1", "Infinity"]) {
      assertRefused(
        `dynamodb://@us-east-1?${parameter}=${value}`,
        new RegExp(`parameter ${parameter} is not an integer`),
      );
    }
  }
  assertRefused("dynamodb://@us-east-1?read", /parameter read is not an integer/);
});

test("a number out of range is refused by its name, with the range", () => {
  assertRefused("dynamodb://@us-east-1?read=0", /parameter read: 0 is out of range, which is 1 to /);
  assertRefused("dynamodb://@us-east-1?write=-1", /parameter write: -1 is out of range/);
  assertRefused("dynamodb://@us-east-1?ttl_seconds=99999999999", /parameter ttl_seconds: 99999999999 is out of range/);
  assertRefused("dynamodb://@us-east-1?read=99999999999999999999", /parameter read/);
});

test("Celery 7: an unknown parameter is refused by its name, and the nearest one named", () => {
  assertRefused("dynamodb://@us-east-1?ttl=600", /unknown parameter ttl, there are read, write, ttl_seconds/);
  assertRefused("dynamodb://@us-east-1?ttl_second=600", /unknown parameter ttl_second.*did you mean ttl_seconds\?/);
  assertRefused("dynamodb://@us-east-1?READ=1", /unknown parameter READ/);
  assertRefused("dynamodb://@us-east-1?toString=1", /unknown parameter toString/);
});

test("a repeated parameter is refused by its name", () => {
  assertRefused("dynamodb://@us-east-1?read=1&read=1", /parameter read is given more than once/);
  assertRefused("dynamodb://@us-east-1?ttl_seconds=1&read=2&ttl_seconds=3", /parameter ttl_seconds is given more/);
});

test("an expiry of 0 and a negative one are read: they switch the table's TTL on and off", () => {
  assert.equal(settingsOf("dynamodb://?ttl_seconds=0"), { ttlSeconds: 0 });
  assert.equal(settingsOf("dynamodb://?ttl_seconds=-1"), { ttlSeconds: -1 });
  assert.equal(settingsOf("dynamodb://?ttl_seconds=-600"), { ttlSeconds: -600 });
});

test("percent-encoding is undone in key, secret and table", () => {
  assert.equal(settingsOf("dynamodb://AK%3AID:ab%2Fc%2Bd%25e%40%23%3F@us-east-1/celery%5Fresults"), {
    accessKeyId: "AK:ID",
    secretAccessKey: "ab/c+d%e@#?",
    region: "us-east-1",
    table: "celery_results",
  });
});

test("a secret may hold +, = and : as they are, and even an @", () => {
  assert.equal(settingsOf("dynamodb://AKID:a+b=c:d@e@us-east-1"), {
    accessKeyId: "AKID",
    secretAccessKey: "a+b=c:d@e",
    region: "us-east-1",
  });
});

test("a /, ? or # in a secret is refused with the way to write it", () => {
  assertRefused(
    "dynamodb://AKID:s3cr3t/W0rd@us-east-1",
    /secret has a "\/", "\?" or "#", which must be written as %2F/,
  );
  assertRefused("dynamodb://AKID:123/s3cr3tW0rd@us-east-1", /secret has a/);
  assertRefused("dynamodb://AKID:s3cr3t?W0rd@us-east-1/table", /secret has a/);
  assertRefused("dynamodb://AKID:s3cr3t#W0rd@us-east-1/table", /secret has a/);
  assertRefused("dynamodb://AKID:s3/W0rd@x/s3cr3tW0rd@us-east-1", /secret has a/);
  assertRefused("dynamodb://AKID:s3cr3t%zzW0rd@us-east-1", /secret is not percent-encoded UTF-8/);
  assertRefused("dynamodb://AKID:s3cr3t%FFW0rd@us-east-1", /secret is not percent-encoded UTF-8/);
});

test("a secret whose @ was forgotten is refused without being shown", () => {
  assertRefused(`dynamodb://AKID:${secret}`, /port is not an integer from 1 to 65535 \(credentials end with an @/);
  assertRefused(`dynamodb://AKID:${secret}/us-east-1`, /port is not an integer/);
  assertRefused("dynamodb://s3cr3t_W0rd", /host is not a region/);
});

test("a port that is none is refused", () => {
  for (const port of ["", "0", "65536", "99999", "-1", "80a", "8000:8001", "1e3"]) {
    assertRefused(`dynamodb://@localhost:${port}`, /port is not an integer from 1 to 65535/);
    assertRefused(`dynamodb://@us-east-1:${port}`, /port is not an integer from 1 to 65535/);
  }
});

test("a local host without a port is refused, where Celery would connect to port None", () => {
  assertRefused("dynamodb://localhost", /port is missing after localhost: write localhost:8000/);
  assertRefused("dynamodb://@127.0.0.1/table", /port is missing after 127\.0\.0\.1/);
  assertRefused("dynamodb://@[::1]", /port is missing after \[::1\]/);
});

test("a port beside a region is ignored, as in Celery, but with a warning", () => {
  const { settings, warnings } = parseConnectionUrl(`dynamodb://AKID:${secret}@us-east-1:8000/celery_results`);
  assert.equal(settings, {
    accessKeyId: "AKID",
    secretAccessKey: secret,
    region: "us-east-1",
    table: "celery_results",
  });
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? "", /port .* is ignored.*region us-east-1/);
  assert.not(warnings[0]?.includes(secret));
});

test("a host that is neither region nor IP address is refused with the way to name an endpoint", () => {
  for (const host of [
    "db.example.com",
    "my_host",
    "-us-east",
    "us--east",
    "127.0.0.256",
    "[::g]",
    "[127.0.0.1]",
    "a".repeat(64),
  ]) {
    assertRefused(
      `dynamodb://@${host}:8000`,
      /host is not a region.*set the endpoint of any other host beside the URL/,
    );
  }
  assertRefused("dynamodb://@::1:8000", /port is not|host is not/);
  assertRefused("dynamodb://@[::1", /IPv6 address needs brackets/);
  assertRefused("dynamodb://@:8000", /host is missing before the port/);
});

test("a region is read without regard to case, as in Celery", () => {
  assert.equal(settingsOf("dynamodb://@US-East-1"), { region: "us-east-1" });
});

test("another scheme is refused", () => {
  assertRefused(`redis://AKID:${secret}@us-east-1`, /scheme must be dynamodb:\/\/, not redis:\/\//);
  assertRefused(`dynamodb:AKID:${secret}@us-east-1`, /scheme must be dynamodb:\/\//);
  assertRefused(`dynamodb:/AKID:${secret}@us-east-1`, /scheme must be dynamodb:\/\//);
  assertRefused(`AKID:${secret}@us-east-1`, /scheme must be/);
  assertRefused(` dynamodb://AKID:${secret}@us-east-1`, /scheme must be/);
  assert.throws(() => parseConnectionUrl(""), /scheme must be/);
  assert.equal(settingsOf("DynamoDB://@us-east-1"), { region: "us-east-1" });
});

test("a path of more than the table, a fragment and stray characters are refused", () => {
  assertRefused("dynamodb://@us-east-1/celery/results", /path has more than the table's name: "\/celery\/results"/);
  assertRefused("dynamodb://@us-east-1/celery/", /path has more/);
  assertRefused("dynamodb://@us-east-1//celery", /path has more/);
  assertRefused("dynamodb://@us-east-1/celery#top", /fragment is not allowed/);
  assertRefused("dynamodb://@us-east-1#", /fragment is not allowed/);
  assertRefused(`dynamodb://AKID:${secret}@us-east-1\n`, /host is not a region/);
});

test("a table name that DynamoDB refuses is refused", () => {
  for (const table of ["ab", "a".repeat(256), "celery%2Fresults", "celery results", "t%C3%A4ble", "a+bc"]) {
    assertRefused(
      `dynamodb://@us-east-1/${table}`,
      /the table: (".*"|what was given) is not a table name, which has 3 to 255/,
    );
  }
  for (const table of ["abc", "a".repeat(255), "A-b_c.9"]) {
    assert.equal(settingsOf(`dynamodb://@us-east-1/${table}`), { region: "us-east-1", table });
  }
});

test.run();
