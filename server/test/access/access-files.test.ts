import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { parseJwks } from "../../src/access/jwks.js";
import { parsePolicy } from "../../src/access/policy.js";
import { parseTls } from "../../src/access/tls-files.js";
import { hashToken, parseTokens } from "../../src/access/tokens.js";
import { checkAccessFiles } from "../../src/doctor/check-access-files.js";
import { completeSettings } from "../../src/settings/complete-settings.js";
import { createAuthority, type TestAuthority } from "../support/certificates.js";
import { spawnCli } from "../support/spawn-server.js";
import { suite } from "../support/suite.js";

const test = suite("files of who may call");

const secret = "s3cr3tW0rd";
const hash = hashToken(secret).toString("hex");
const paths = { tlsCert: "c.pem", tlsKey: "k.pem", tlsClientCa: "a.pem" };

let authority: TestAuthority;
let folder: string;

test.before(async () => {
  authority = await createAuthority("authority");
  folder = await mkdtemp(join(tmpdir(), "dynakv-files-"));
});

test.after(() => rm(folder, { recursive: true }));

/** One line that says where and what, and quotes neither secrets nor hashes. */
function assertRefused(parse: () => unknown, message: RegExp): void {
  try {
    parse();
  } catch (error) {
    assert.instance(error, UsageError);
    const text = (error as Error).message;
    assert.match(text, message);
    assert.not.match(text, secret);
    assert.not.match(text, hash);
    assert.not.match(text, "\n");
    return;
  }
  assert.unreachable(`nothing was thrown: ${message}`);
}

test("a tokens file that is not as it must be is refused, with the place", () => {
  const good = { name: "a", sha256: hash };
  const cases: [unknown, RegExp][] = [
    [[], /^F: must be a JSON object/],
    [{}, /^F: tokens is missing/],
    [{ tokens: {} }, /^F: tokens: must be a list/],
    [{ tokens: [good], [secret]: 1 }, /^F: unknown field; there are tokens/],
    [{ tokens: [good], token: 1 }, /^F: unknown field "token"; there are tokens/],
    [{ tokens: [good, secret] }, /^F: tokens\[1\]: must be a JSON object/],
    [{ tokens: [{ name: "a" }] }, /^F: tokens\[0\]: sha256 is missing/],
    [{ tokens: [{ ...good, sha256: secret }] }, /^F: tokens\[0\]\.sha256: must be 64 hexadecimal digits/],
    [{ tokens: [{ ...good, name: "a b" }] }, /^F: tokens\[0\]\.name: must be 1 to 128/],
    [{ tokens: [{ ...good, name: 7 }] }, /^F: tokens\[0\]\.name: must be 1 to 128/],
    [{ tokens: [{ ...good, expires: "soon" }] }, /^F: tokens\[0\]\.expires: must be a day/],
    [{ tokens: [{ ...good, expires: "2027-13-01" }] }, /^F: tokens\[0\]\.expires: there is no such/],
    [{ tokens: [{ ...good, expires: "2030-02-31" }] }, /^F: tokens\[0\]\.expires: there is no such day/],
    [{ tokens: [{ ...good, expires: "2030-02-01T12:00:00" }] }, /^F: .*\.expires: .*a time with Z or an offset/],
    [{ tokens: [{ ...good, expires: 1 }] }, /^F: tokens\[0\]\.expires: must be a day/],
    [{ tokens: [{ ...good, expiry: "2027-01-01" }] }, /^F: tokens\[0\]: unknown field "expiry"; .* expires/],
    [{ tokens: [good, { ...good, sha256: hash.toUpperCase() }] }, /^F: tokens\[1\]: is there twice/],
  ];
  for (const [content, message] of cases) {
    assertRefused(() => parseTokens(JSON.stringify(content), "F"), message);
  }
  assertRefused(() => parseTokens(`{"tokens":\n[${secret}`, "F"), /^F(, line 2)?: is not valid JSON/);
});

test("a token is found by its hash until it expires, and two may have one name", () => {
  const next = hashToken("next");
  const tokens = parseTokens(
    `\uFEFF${JSON.stringify({
      tokens: [
        { name: "a", sha256: hash.toUpperCase(), expires: "2027-01-01" },
        { name: "a", sha256: next.toString("hex") },
      ],
    })}`,
    "F",
  );
  const newYear = Date.parse("2027-01-01T00:00:00Z");
  assert.equal(tokens.find(hashToken(secret), newYear - 1)?.names, ["token:a"]);
  assert.is(tokens.find(hashToken(secret), newYear), undefined);
  assert.equal(tokens.find(next, newYear)?.names, ["token:a"]);
  assert.is(tokens.find(hashToken("other"), 0), undefined);
});

test("a policy that is not as it must be is refused, with the place", () => {
  const good = { identities: ["token:a"], rights: ["read"], prefixes: [""] };
  const cases: [unknown, RegExp][] = [
    [null, /^F: must be a JSON object/],
    [{ rules: [] }, /^F: rules: is empty/],
    [{ rules: [good], default: "allow" }, /^F: unknown field "default"; there are rules/],
    [{ rules: [{ ...good, keys: [] }] }, /^F: rules\[0\]: unknown field "keys"/],
    [{ rules: [good, { identities: ["token:a"], rights: ["read"] }] }, /^F: rules\[1\]: prefixes is missing/],
    [{ rules: [{ ...good, prefixes: [] }] }, /^F: rules\[0\]\.prefixes: is empty/],
    [{ rules: [{ ...good, prefixes: "orders:" }] }, /^F: rules\[0\]\.prefixes: must be a list/],
    [{ rules: [{ ...good, prefixes: ["a", 1] }] }, /^F: rules\[0\]\.prefixes\[1\]: must be the beginning/],
    [{ rules: [{ ...good, prefixes: ["k".repeat(2049)] }] }, /^F: rules\[0\]\.prefixes\[0\]: no key begins so/],
    [{ rules: [{ ...good, prefixes: ["\ud83d"] }] }, /^F: rules\[0\]\.prefixes\[0\]: no key begins so/],
    [{ rules: [{ ...good, rights: ["admin"] }] }, /^F: rules\[0\]\.rights\[0\]: must be read, write or delete/],
    [{ rules: [{ ...good, identities: [secret] }] }, /^F: rules\[0\]\.identities\[0\]: must be token:NAME/],
    [{ rules: [{ ...good, identities: ["token:"] }] }, /^F: rules\[0\]\.identities\[0\]: must be token:NAME/],
    [{ rules: [{ ...good, identities: ["*"] }] }, /^F: rules\[0\]\.identities\[0\]: must be token:NAME/],
  ];
  for (const [content, message] of cases) {
    assertRefused(() => parsePolicy(JSON.stringify(content), "F"), message);
  }
});

test("rights of a policy add up, by prefix and by name, and names of objects are no rights", () => {
  const policy = parsePolicy(
    JSON.stringify({
      rules: [
        { identities: ["token:a", "jwt:b"], rights: ["read"], prefixes: ["x:", "x:y:", "ü:", "😀"] },
        { identities: ["token:a"], rights: ["write"], prefixes: ["y:"] },
        { identities: ["certificate:c"], rights: ["delete"], prefixes: [""] },
      ],
    }),
    "F",
  );
  const a = policy.principalFor({ names: ["token:a"] });
  const may = (right: "read" | "write" | "delete", ...keys: string[]) => keys.map((key) => a.may(right, key));
  assert.equal(may("read", "x:", "x:1", "x:y:1", "ü:1", "😀!", "x", "y:1", "", "X:1"), [
    ...[true, true, true, true, true],
    ...[false, false, false, false],
  ]);
  assert.equal(may("write", "y:1", "x:1"), [true, false]);
  assert.equal([a.mayAny("read"), a.mayAny("write"), a.mayAny("delete")], [true, true, false]);
  const several = policy.principalFor({ names: ["certificate:z", "certificate:c", "jwt:b"] });
  assert.equal([several.name, several.may("delete", "any"), several.may("read", "x:1")], ["certificate:c", true, true]);
  for (const name of ["token:b", "jwt:a", "certificate:a", "token:__proto__", "constructor"]) {
    const stranger = policy.principalFor({ names: [name] });
    assert.equal([stranger.mayAny("read"), stranger.mayAny("write"), stranger.mayAny("delete")], [false, false, false]);
  }
});

test("a JWKS without keys, or with secret ones, is refused", () => {
  const cases: [unknown, RegExp][] = [
    [{}, /^F: keys: must be a list/],
    [null, /^F: keys: must be a list/],
    [{ keys: [] }, /^F: keys: is empty/],
    [{ keys: [secret] }, /^F: keys\[0\]: is no key/],
    [{ keys: [{ kty: "EC", d: secret }] }, /^F: keys\[0\]: holds the secret part/],
    [{ keys: [{ kty: "RSA" }, { kty: "oct", k: secret }] }, /^F: keys\[1\]: holds the secret part/],
  ];
  for (const [content, message] of cases) {
    assertRefused(() => parseJwks(JSON.stringify(content), "F"), message);
  }
});

test("certificates and keys that do not go together, or are none, are refused", async () => {
  const { cert, key } = await authority.issueServer();
  const other = await authority.issueServer();
  const encrypted = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: secret },
  }).privateKey;
  const broken = cert.replace(/[A-Za-z0-9]{20}\n/, "AAAAAAAAAAAAAAAAAAAA\n").replace(/MII/, "AAA");
  assert.ok(parseTls([cert, key, authority.cert], paths).certificate.validTo);
  const cases: [string[], RegExp][] = [
    [["", key], /^tlsCert c\.pem: holds no certificate in PEM/],
    [[key, key], /^tlsCert c\.pem: holds no certificate in PEM/],
    [[broken, key], /^tlsCert c\.pem: certificate 1 of 1 cannot be read/],
    [[cert, ""], /^tlsKey k\.pem: holds no private key in PEM/],
    [[cert, cert], /^tlsKey k\.pem: holds no private key in PEM/],
    [[cert, encrypted], /^tlsKey k\.pem: is encrypted/],
    [[cert, other.key], /^tlsKey k\.pem: is not the key of the certificate in c\.pem/],
    [[cert, key, secret], /^tlsClientCa a\.pem: holds no certificate in PEM/],
  ];
  for (const [texts, message] of cases) {
    assertRefused(() => parseTls(texts, paths), message);
  }
});

test("the files are checked one by one, with what to do", async () => {
  const write = async (file: string, text: string) => {
    await writeFile(join(folder, file), text);
    return join(folder, file);
  };
  const soon = await authority.issueServer({ validTo: new Date(Date.now() + 86_400_000) });
  const settings = {
    tlsCert: await write("cert.pem", soon.cert),
    tlsKey: await write("key.pem", soon.key),
    tokensFile: await write(
      "tokens.json",
      JSON.stringify({ tokens: [{ name: "a", sha256: hash, expires: "2020-01-01" }] }),
    ),
    policyFile: await write("policy.json", JSON.stringify({ rules: [{}] })),
  };
  const found = await checkAccessFiles(completeSettings(settings).settings, Date.now);
  assert.equal(
    found.map(({ subject, level }) => [subject, level]),
    [
      ["tlsCert", "warning"],
      ["tokensFile", "warning"],
      ["policyFile", "failure"],
    ],
  );
  assert.match(found[0]?.detail ?? "", /^expires on /);
  assert.is(found[1]?.detail, "1 of 1 have expired: a");
  assert.match(found[2]?.detail ?? "", /rules\[0\]: identities is missing/);
  const missing = await checkAccessFiles(completeSettings({ tokensFile: join(folder, "none") }).settings, Date.now);
  assert.equal(
    missing.map(({ level }) => level),
    ["failure"],
  );
  assert.equal(await checkAccessFiles(completeSettings({}).settings, Date.now), []);
});

test("the files of docs/access.md are taken as they stand there", async () => {
  const page = await readFile(new URL("../../../docs/access.md", import.meta.url), "utf8");
  const examples = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = ""]) => text);
  const [tokens = "", policy = ""] = examples;
  assert.is(examples.length, 2);
  assert.is(parseTokens(tokens, "F").entries.length, 2);
  const viewer = parsePolicy(policy, "F").principalFor({ names: ["token:celery-viewer"] });
  assert.ok(viewer.may("read", "b'celery-task-meta-3f0c'"));
});

test("dynakv token new prints a token and its line for the file, which takes it", async () => {
  const made = spawnCli(["token", "new", "orders", "--expires", "90d"]);
  assert.is(await made.exit, 0);
  const [token = "", line = ""] = made.stdout().split("\n");
  assert.match(token, /^dynakv_[\w-]{43}$/);
  const tokens = parseTokens(`{"tokens":[${line}]}`, "F");
  assert.equal(tokens.find(hashToken(token), Date.now())?.names, ["token:orders"]);
  assert.is(tokens.find(hashToken(token), Date.now() + 91 * 86_400_000), undefined);
  for (const args of [
    [],
    ["new"],
    ["new", "a b"],
    ["new", "a", "--expires", "2020-01-01"],
    ["new", "a", "--for", "b"],
  ]) {
    const refused = spawnCli(["token", ...args]);
    assert.is(await refused.exit, 2, args.join(" "));
    assert.match(refused.stderr(), /usage: dynakv token new NAME/);
    assert.is(refused.stdout(), "");
  }
});

test.run();
