import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { startFakeServer } from "../../client/test/support/fake-server.js";
import { Consistency } from "../../gen/dynakv/v1/entry_pb.js";
import type { Fault, FaultProxy, ProxiedRequest } from "../../server/src/faults/index.js";
import { createSelfSigned } from "../../server/test/support/certificates.js";
import { bytesAt } from "../../server/test/support/entries.js";
import { suite } from "../../server/test/support/suite.js";
import type { TestServer } from "../../server/test/support/test-server.js";
import { waitUntil, withLongEnoughDeadline } from "../../server/test/support/wait-until.js";
import { clientCommands } from "../src/commands.js";
import { readConnection } from "../src/connection-flags.js";
import { renderCommandHelp } from "../src/help.js";
import { type CommandsServer, startCommandsServer } from "./support/commands-server.js";
import type { CliResult, CommandsCli } from "./support/run-cli.js";

const test = suite("commands");
const secret = "s3cr3tW0rd";
const here = { name: "here", alternatives: [{ type: "ip" as const, value: "127.0.0.1" }] };
let server: TestServer;
let proxy: FaultProxy;
let proxied: CommandsServer["proxied"];
let folder: string;
let cli: CommandsCli;
let run: CommandsServer["run"];
let commands: CommandsServer;

test.before(async () => {
  commands = await startCommandsServer();
  ({ cli, server, proxy, proxied, folder, run } = commands);
});

test.after(() => commands.stop());

const done = (stdout = "") => ({ code: 0, stdout, stderr: "" });
const outcomeOf = ({ code, stdout, stderr }: CliResult) => ({ code, stdout, stderr });

/** That a command has said one line on stderr, and nothing else. */
function assertFails({ code, stdout, stderr }: CliResult, expected: number, message: RegExp): void {
  assert.match(stderr, message);
  assert.match(stderr, /^dynakv: [^\n]*\n$/);
  assert.is(stdout, "");
  assert.is(code, expected, stderr);
  assert.not(stderr.includes(secret));
}

test("a value comes back byte for byte, from an argument, from a file and from stdin", async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
  const file = join(folder, "value");
  await writeFile(file, bytes);
  const set = await Promise.all([
    run(["set", "argument", "hello"]),
    run(["set", "file", "--file", file]),
    run(["set", "stdin"], { input: bytes }),
    run(["set", "empty", ""]),
    run(["set", "--", "-dashed", "-value"]),
  ]);
  for (const each of set) {
    assert.equal(outcomeOf(each), done());
  }
  const [argument, ofFile, ofStdin, empty, dashed] = await Promise.all([
    run(["get", "argument"]),
    run(["get", "file", "--strong"]),
    run(["get", "stdin"]),
    run(["get", "empty"]),
    run(["get", "--", "-dashed"]),
  ]);
  assert.equal(outcomeOf(argument), done("hello"));
  assert.equal(ofFile.bytes, bytes);
  assert.equal(ofStdin.bytes, bytes);
  assert.equal(outcomeOf(empty), done());
  assert.is(dashed.stdout, "-value");
});

test("a terminal gets a newline and OK, and no bytes that are not text", async () => {
  await server.client.set({ key: "line", value: Buffer.from("a line\n") });
  await server.client.set({ key: "escape", value: Buffer.from("\u001b[2J") });
  const terminal = ["stdout"] as const;
  const [set, text, line, control, raw] = await Promise.all([
    run(["set", "word", "w"], { terminal }),
    run(["get", "word"], { terminal }).then(() => run(["get", "argument"], { terminal })),
    run(["get", "line"], { terminal }),
    run(["get", "escape"], { terminal }),
    run(["get", "escape", "--raw"], { terminal }),
  ]);
  assert.equal(outcomeOf(set), done("OK\n"));
  assert.equal(outcomeOf(text), done("hello\n"));
  assert.equal(outcomeOf(line), done("a line\n"));
  assert.is(control.stdout, "");
  assert.match(control.stderr, /^dynakv: the value is 4 bytes that are no text; --raw/);
  assert.is(raw.stdout, "\u001b[2J");
});

test("an answer that is no ends with 1, and says why", async () => {
  const { etag } = await server.client.set({ key: "there", value: Buffer.from("1") });
  const results = await Promise.all([
    run(["get", "nothing"]),
    run(["set", "there", "2", "--if-absent"]),
    run(["set", "nothing", "2", "--if-present"]),
    run(["set", "there", "2", "--if-etag", "other"]),
    run(["delete", "nothing", "--if-present"]),
    run(["touch", "nothing", "--expire", "1h"]),
    run(["incr", "there"]),
    run(["incr", "bounded", "5", "--max", "4"]),
  ]);
  const messages = [
    /no entry/,
    new RegExp(`\\(FAILED_PRECONDITION ALREADY_EXISTS\\); its etag is ${etag}`),
    /NOT_PRESENT/,
    /\(ABORTED ETAG_MISMATCH\); its etag is/,
    /NOT_PRESENT/,
    /no entry/,
    /WRONG_KIND/,
    /\(OUT_OF_RANGE OUT_OF_BOUNDS\)/,
  ];
  for (const [index, result] of results.entries()) {
    assertFails(result, 1, messages[index] as RegExp);
  }
  assert.is(Buffer.from(bytesAt(await server.client.get({ key: "there" }))).toString(), "1");
});

test("expiries, etags and times", async () => {
  const set = await run(["set", "timed", "1", "--expire", "1h30m", "--json"]);
  const written = JSON.parse(set.stdout);
  const seconds = (Date.parse(written.expireTime) - Date.parse(written.writeTime)) / 1000;
  // The expiry counts from when the request came, the write time is that of the write.
  assert.ok(seconds > 5399 && seconds <= 5400.001, `${seconds}`);
  const shown = JSON.parse((await run(["get", "timed", "--json"])).stdout);
  assert.equal(shown, { key: "timed", value: "MQ==", ...written });
  const again = await run(["set", "timed", "2", "--if-etag", written.etag, "--expire", "2099-01-31T00:00:00Z"]);
  assert.equal(outcomeOf(again), done());
  assert.is((await server.client.get({ key: "timed" })).entry?.expireTime?.seconds, 4073500800n);
  assert.equal(outcomeOf(await run(["touch", "timed", "--expire", "never"])), done());
  assert.is((await server.client.get({ key: "timed" })).entry?.expireTime, undefined);
});

test("an etag that begins with a dash, as older items have them, is taken for one, and a flag is not", async () => {
  const etag = "-ld_Etag-16chars";
  const timestamp = { N: "1763881635.123" };
  await server.putRaw({ id: { S: "dash" }, result: { B: Buffer.from("x") }, timestamp, etag: { S: etag } });
  await server.putRaw({ id: { S: "dash-count" }, chord_count: { N: "-5" }, timestamp, etag: { S: etag } });
  const [none, flag, short] = await Promise.all([
    run(["touch", "dash", "--expire", "1h", "--if-etag"]),
    run(["delete", "dash", "--if-etag", "--if-present"]),
    run(["delete", "dash", "--if-etag", "-h"]),
  ]);
  for (const refused of [none, flag, short]) {
    assertFails(refused, 2, /--if-etag: needs a value/);
  }
  assert.equal(outcomeOf(await run(["delete", "dash-count", "--if-etag", `${etag}.-5`])), done("1\n"));
  assertFails(await run(["set", "dash", "y", "--if-etag", etag.replace("-", "_")]), 1, /its etag is -ld_Etag-16chars/);
  assert.equal(outcomeOf(await run(["set", "dash", "y", "--if-etag", etag])), done());
});

test("counters are exact beyond 2^53", async () => {
  assert.equal(outcomeOf(await run(["incr", "big", "9007199254740993"])), done("9007199254740993\n"));
  assert.equal(outcomeOf(await run(["incr", "big", "-2", "--min", "-5"])), done("9007199254740991\n"));
  for (const [member, count] of [
    ["alice", 1],
    ["bob", 2],
    ["alice", 2],
  ]) {
    assert.equal(outcomeOf(await run(["incr", "visitors", "--member", `${member}`])), done(`${count}\n`));
  }
  const [created, shown] = await Promise.all([
    run(["incr", "from", "--initial", "9223372036854775806"]),
    run(["get", "big"]),
  ]);
  assert.is(created.stdout, "9223372036854775807\n");
  assert.is(shown.stdout, "9007199254740991");
});

test("many keys, from arguments and from stdin, are lines of JSON in their order", async () => {
  await server.client.set({ key: "new\nline", value: Buffer.from("n") });
  await server.putRaw({ id: { S: "foreign" }, result: { S: "text" } });
  const [byArguments, lines, nulls, failed] = await Promise.all([
    run(["mget", "there", "nothing", "big", "there"]),
    run(["mget"], { input: "there\n\nnothing" }),
    run(["mget", "--null", "--keys-from", "-"], { input: "new\nline\0there\0" }),
    run(["mget", "foreign", "there"]),
  ]);
  const parse = ({ stdout }: CliResult) =>
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  const summary = (result: CliResult) =>
    parse(result).map(({ key, value, counter, missing }) => [key, value ?? counter ?? missing]);
  assert.equal(summary(byArguments), [
    ["there", "MQ=="],
    ["nothing", true],
    ["big", "9007199254740991"],
    ["there", "MQ=="],
  ]);
  assert.equal(summary(lines), [
    ["there", "MQ=="],
    ["nothing", true],
  ]);
  assert.equal(summary(nulls), [
    ["new\nline", "bg=="],
    ["there", "MQ=="],
  ]);
  assert.is(failed.code, 3);
  assert.match(failed.stderr, /^dynakv: 1 key could not be read/);
  assert.is(parse(failed)[0].error.reason, "UNREADABLE_ITEM");
  assert.is(parse(failed)[1].value, "MQ==");
});

test("delete removes any number of keys, and tells how many there were", async () => {
  await Promise.all(["d1", "d2", "d3"].map((key) => server.client.set({ key, value: Buffer.from(key) })));
  assert.equal(outcomeOf(await run(["delete", "d1", "d2", "d3", "d4", "d1"])), done("3\n"));
  assert.is((await server.client.get({ key: "d2" })).entry, undefined);
});

test("delete removes nothing when one of the keys is none, and tells what is gone when a call fails", async () => {
  const isThere = async (key: string) =>
    (await server.client.get({ key, consistency: Consistency.STRONG })).entry !== undefined;
  await server.client.set({ key: "stays", value: Buffer.from("1") });
  assertFails(await run(["delete", "stays", ""]), 2, /KEY 2 has 0 bytes; a key has 1 to 2048/);
  assertFails(await run(["delete", "é".repeat(1025), "stays"]), 2, /KEY 1 has 2050 bytes; a key has 1 to 2048/);
  assert.ok(await isThere("stays"));
  const keyOf = ({ body }: ProxiedRequest) => Object(body.Key).id?.S;
  let lost = 0;
  proxy.decide = async (request): Promise<Fault> => {
    if (request.operation !== "DeleteItem") {
      return "forward";
    }
    if (keyOf(request) !== "stays") {
      lost++;
      return "lose-answer";
    }
    // What is in flight when another fails counts, too, however late it is answered.
    await waitUntil("the answers of the others are lost", () => lost >= 2);
    return { kind: "delay", afterMs: 200 };
  };
  const cut = await run(["delete", "stays", "nothing:1", "nothing:2"], {
    env: { DYNAKV_ADDRESS: proxied.url },
  });
  proxy.reset();
  assert.is(cut.code, 4);
  assert.is(cut.stdout, "1\n");
  assert.not(await isThere("stays"));
  assert.match(cut.stderr, /^dynakv: [^\n]*outcome unknown[^\n]*\n$/);
});

test("an argument that is not UTF-8 is refused, and nothing else is stored in its place", async () => {
  const bytes = "\"$(printf 'bad\\377')\"";
  const wrong = [
    run(["set"], { shell: `exec "$@" ${bytes} 1` }),
    run(["set", "bad"], { shell: `exec "$@" ${bytes}` }),
    run(["delete"], { shell: `exec "$@" ${bytes}` }),
    run(["export", "--prefix"], { shell: `exec "$@" ${bytes}` }),
  ];
  for (const result of await Promise.all(wrong)) {
    assertFails(result, 2, /is not UTF-8, or holds U\+FFFD/);
  }
  assert.is((await server.client.get({ key: "bad" })).entry, undefined);
  assert.is((await server.client.get({ key: "bad\ufffd" })).entry, undefined);
});

test("stdout that cannot be written is told in one line, and a reader who has gone in none", async () => {
  await server.client.set({ key: "written", value: Buffer.from("1") });
  const args = ["get", "written"];
  const env = { DYNAKV_ADDRESS: server.url };
  if (existsSync("/dev/full")) {
    const full = await run(args, { shell: 'exec "$@" > /dev/full' });
    assertFails(full, 3, /^dynakv: stdout cannot be written \(ENOSPC\)\n$/);
  }
  const left = [args, ["help"], ["get", "--help"], ["version"]].map((each) => {
    const { process: child, ended } = cli.start(each, { env });
    child.stdout?.destroy();
    return ended;
  });
  for (const { code, stderr } of await Promise.all(left)) {
    assert.equal({ code, stderr }, { code: 141, stderr: "" });
  }
});

test("what was called wrongly ends with 2, and changes nothing", async () => {
  const wrong: [string[], RegExp][] = [
    [["get"], /too few arguments; usage: dynakv get KEY/],
    [["get", "a", "b"], /too many arguments/],
    [["get", "a", "--jsn"], /unknown flag --jsn; did you mean --json\?/],
    [["get", "a", "--json=yes"], /--json: takes no value/],
    [["get", ""], /INVALID_ARGUMENT INVALID_KEY/],
    [["set", "there", "x", "--expire", "soon"], /--expire: "soon" is none of/],
    [["set", "there", "x", "--expire", "2030-02-31"], /"2030-02-31" is none of: .*a day that exists/],
    [["set", "there", "x", "--expire", "2030-01-31T12:00:00"], /is none of: .*with Z or an offset/],
    [["set", "there", "x", "--expire", "999999999w"], /is more than 315,576,000,000 seconds; never is longer/],
    [["set", "there", "x", "--if-absent", "--if-present"], /give one of --if-absent/],
    [["set", "there", "x", "--file", "y"], /give a value, or --file/],
    [["set", "there", "--file", join(folder, "none")], /--file: .*none cannot be read \(ENOENT\)/],
    [["incr", "big", "1.5"], /DELTA: "1.5" is no integer of 64 bits/],
    [["touch", "there"], /--expire is required/],
    [["get", "a", "--timeout", "0"], /--timeout: "0" is no number of seconds above 0/],
    [["get", "a", "--cert", "x"], /--cert and --key: give both/],
    [["get", "a", "--address", `http://me:${secret}@127.0.0.1:1`], /give a token by --token-file or DYNAKV_TOKEN\n$/],
    [["get", "a", "--address", "127.0.0.1:1"], /not an http: or https: URL/],
    [["import", join(folder, "none")], /FILE: .*none cannot be read \(ENOENT\)/],
    [["export", "--output", join(folder, "none", "x")], /--output: .*x cannot be written \(ENOENT\)/],
    [["export", "--prefix", "a", "--keys-from", "b"], /give --prefix, or --keys-from/],
    [["get", "a", "--token-file", join(folder, "none")], /--token-file: .*ENOENT/],
  ];
  const results = await Promise.all(wrong.map(([args]) => run(args)));
  for (const [index, result] of results.entries()) {
    assertFails(result, 2, wrong[index]?.[1] as RegExp);
  }
  assertFails(await run(["mget"], { terminal: ["stdin"] }), 2, /no KEY: give it/);
  assert.is(Buffer.from(bytesAt(await server.client.get({ key: "there" }))).toString(), "1");
});

test("a call that fails ends with 3, and a write of which nobody knows with 4", async () => {
  proxy.decide = ({ operation }) => (operation === "PutItem" || operation === "UpdateItem" ? "hang" : "forward");
  const refusing = run(["get", "a", "--address", "http://127.0.0.1:1", "--timeout", "2"]);
  await withLongEnoughDeadline(async (timeoutMs) => {
    const args = ["set", "unknown", "1", "--timeout", `${timeoutMs / 1000}`];
    const unknown = await run(args, { env: { DYNAKV_ADDRESS: proxied.url } });
    const isSent = proxy.requests.has("PutItem");
    if (isSent) {
      assertFails(unknown, 4, /\(DEADLINE_EXCEEDED\); outcome unknown: read the key/);
    }
    return isSent;
  });
  proxy.reset();
  assertFails(await refusing, 3, /ECONNREFUSED.* \(UNAVAILABLE UNREACHABLE\); is the server running\?/);
});

test("a token goes along from the environment or a file, never in the open, and is never shown", async () => {
  const fake = await startFakeServer();
  const file = join(folder, "token");
  await writeFile(file, `${secret}2\n`);
  const sent = async (args: string[], env: NodeJS.ProcessEnv) => {
    await cli.run(["get", "a", "--address", fake.http2Url, ...args], { env });
    return fake.observed.header.get("authorization");
  };
  assert.is(await sent([], { DYNAKV_TOKEN: secret }), `Bearer ${secret}`);
  assert.is(await sent(["--token-file", file], { DYNAKV_TOKEN: secret }), `Bearer ${secret}2`);
  await fake.stop();
  const address = "http://kv.invalid:1";
  const [open, allowed, broken] = await Promise.all([
    run(["get", "a"], { env: { DYNAKV_ADDRESS: address, DYNAKV_TOKEN: secret } }),
    run(["get", "a", "--allow-insecure-token", "--timeout", "0.2"], {
      env: { DYNAKV_ADDRESS: address, DYNAKV_TOKEN: secret },
    }),
    run(["get", "a"], { env: { DYNAKV_TOKEN: `${secret}\nx` } }),
  ]);
  assertFails(open, 2, /unencrypted; use an https: address, or give --allow-insecure-token/);
  assertFails(allowed, 3, /UNAVAILABLE|DEADLINE_EXCEEDED/);
  assertFails(broken, 2, /DYNAKV_TOKEN: holds no token/);
});

test("a token file that is away for a while leaves the token that it held", async () => {
  const file = join(folder, "renewed-token");
  await writeFile(file, "first");
  const flags = { address: undefined, "token-file": file, ca: undefined, cert: undefined, key: undefined };
  const { token } = readConnection({ ...flags, timeout: undefined, "allow-insecure-token": false }, {});
  assert.type(token, "function");
  const current = token as () => string;
  const { now } = performance;
  let laterMs = 0;
  performance.now = () => now.call(performance) + laterMs;
  try {
    await rm(file);
    laterMs += 11_000;
    assert.is(current(), "first");
    await writeFile(file, "second");
    laterMs += 11_000;
    assert.is(current(), "second");
  } finally {
    performance.now = now;
  }
});

test("what is amiss with TLS is told with what to do", async () => {
  const [ours, others] = await Promise.all([createSelfSigned(here), createSelfSigned(here)]);
  const path = (name: string) => join(folder, name);
  const files = { cert: ours.cert, key: ours.key, others: others.key, garbage: `-----BEGIN ${secret}` };
  await Promise.all(Object.entries(files).map(([name, pem]) => writeFile(path(name), pem)));
  const secure = await server.replica({ tlsCert: path("cert"), tlsKey: path("key") });
  const get = (...args: string[]) => run(["get", "there", "--address", ...args]);
  const [trusted, noTls, onlyTls, ca, cert, key, pair] = await Promise.all([
    get(secure.url, "--ca", path("cert")),
    get(server.url.replace("http:", "https:")),
    get(secure.url.replace("https:", "http:")),
    get(secure.url, "--ca", path("garbage")),
    get(secure.url, "--cert", path("garbage"), "--key", path("key")),
    get(secure.url, "--cert", path("cert"), "--key", path("garbage")),
    get(secure.url, "--cert", path("cert"), "--key", path("others")),
  ]);
  assert.is(trusted.code, 0, trusted.stderr);
  assertFails(noTls, 3, /the server does not speak TLS; use an http: address/);
  assertFails(onlyTls, 3, /for a TLS port use an https: address/);
  assertFails(ca, 2, /--ca: the file holds no certificate in PEM/);
  assertFails(cert, 2, /--cert: the file holds no certificate in PEM/);
  assertFails(key, 2, /--key: the file holds no private key without a passphrase in PEM/);
  assertFails(pair, 2, /--key: is not the private key of --cert/);
});

test("each command tells its arguments and flags", async () => {
  for (const [name, load] of Object.entries(clientCommands)) {
    const text = renderCommandHelp(await load());
    assert.match(text, new RegExp(`^dynakv ${name}\\b.*\\[flags\\]\\n`));
    assert.match(text, /--address URL/);
    assert.ok(
      text.split("\n").every((line) => line.length <= 80),
      name,
    );
  }
  const [help, flag] = await Promise.all([run(["help", "touch"]), run(["touch", "--help"])]);
  assert.match(help.stdout, /^dynakv touch KEY --expire WHEN/);
  assert.equal(outcomeOf(flag), done(help.stdout));
});

test.run();
