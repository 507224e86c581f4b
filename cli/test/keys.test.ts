import * as assert from "uvu/assert";
import type { Fault } from "../../server/src/faults/index.js";
import { uniqueTableName } from "../../server/test/support/engine.js";
import { fillTable } from "../../server/test/support/fill-table.js";
import { suite } from "../../server/test/support/suite.js";
import { settled } from "../../server/test/support/wait-until.js";
import { type CommandsServer, startCommandsServer } from "./support/commands-server.js";
import type { CliResult } from "./support/run-cli.js";

const test = suite("keys and info");
/** More than a page of a scan. */
const many = Array.from({ length: 700 }, (_, n) => `many:${n}`).sort();
const odd = ["odd:new\nline", 'odd:"quoted"', "odd:\u001b[2J\u009b", '"odd'];
let commands: CommandsServer;
let run: CommandsServer["run"];

test.before(async () => {
  commands = await startCommandsServer();
  ({ run } = commands);
  await fillTable(commands.server, [...many, ...odd, "odd:plain"]);
});

test.before.each(() => commands.proxy.reset());

test.after(() => commands.stop());

const outcomeOf = ({ code, stderr }: CliResult) => ({ code, stderr });
const done = { code: 0, stderr: "" };

test("all keys are printed once, over many pages, and those with a prefix alone", async () => {
  const result = await run(["keys", "many:", "--strong"]);
  assert.equal(outcomeOf(result), done);
  assert.equal(result.stdout.trimEnd().split("\n").sort(), many);
  const [one, none] = await Promise.all([run(["keys", "many:700"]), run(["keys", "many:69"])]);
  assert.equal([one.stdout, one.code], ["", 0]);
  assert.is(none.stdout.split("\n").length, 12);
});

test("an expired key is none, and one whose item cannot be read is one", async () => {
  const { server } = commands;
  const timestamp = { N: "1763881600.5" };
  await server.putRaw({ id: { S: "gone:1" }, result: { B: Buffer.from("x") }, timestamp, ttl: { N: "1763881601" } });
  await server.putRaw({ id: { S: "foreign:1" }, result: { S: "text" } });
  const [gone, foreign, json] = await Promise.all([
    run(["keys", "gone:"]),
    run(["keys", "foreign:"]),
    run(["keys", "foreign:", "--json"]),
  ]);
  assert.equal([gone.stdout, outcomeOf(gone)], ["", done]);
  assert.equal([foreign.stdout, outcomeOf(foreign)], ["foreign:1\n", done]);
  const { key, error } = JSON.parse(json.stdout);
  assert.equal([key, error.reason], ["foreign:1", "UNREADABLE_ITEM"]);
});

test("a key with a newline is never taken for two", async () => {
  const [lines, nulls, json, shown] = await Promise.all([
    run(["keys", "odd:"]),
    run(["keys", "--null", "odd:"]),
    run(["keys", "--json", "odd:"]),
    run(["keys"], { terminal: ["stdout"] }),
  ]);
  const expected = [...odd.slice(0, 3), "odd:plain"].sort();
  const { code, stderr, stdout } = lines;
  assert.equal(
    stdout.trimEnd().split("\n").sort(),
    expected.filter((key) => !key.includes("\n")),
  );
  assert.equal(
    { code, stderr },
    { code: 1, stderr: "dynakv: 1 key with a newline is left out; --null or --json prints all\n" },
  );
  assert.equal(outcomeOf(nulls), done);
  assert.equal(nulls.stdout.split("\0").sort(), ["", ...expected]);
  const parsed = json.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).key);
  assert.equal(parsed.sort(), expected);
  // On a terminal, where no key may steer it, two never look alike.
  assert.equal(outcomeOf(shown), done);
  assert.equal(
    shown.stdout
      .split("\n")
      .filter((line) => line.includes("odd"))
      .sort(),
    ['"\\"odd"', '"odd:\\u001b[2J\\u009b"', '"odd:new\\nline"', 'odd:"quoted"', "odd:plain"],
  );
});

test("what --null prints, mget --null reads", async () => {
  const { stdout } = await run(["keys", "--null", "odd:"]);
  const result = await run(["mget", "--null"], { input: stdout });
  const found = result.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(
    found.map(({ value }) => Buffer.from(value, "base64").toString()).sort(),
    [...odd.slice(0, 3), "odd:plain"].sort(),
  );
});

test("--limit stops after so many keys, and the scan with it", async () => {
  const { proxy, proxied, server } = commands;
  // So many that more pages follow the one that is read ahead.
  await fillTable(
    server,
    many.map((key) => `more ${key}`),
  );
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  proxy.decide = async ({ operation, body }): Promise<Fault> => {
    if (operation === "Scan" && body.ExclusiveStartKey !== undefined) {
      await held;
    }
    return "forward";
  };
  const env = { DYNAKV_ADDRESS: proxied.url };
  const limited = await run(["keys", "many:", "--limit", "3"], { env });
  assert.equal(outcomeOf(limited), done);
  assert.is(limited.stdout.trimEnd().split("\n").length, 3);
  const scans = () => proxy.requests.get("Scan") ?? 0;
  const atOnce = await settled(scans);
  letGo();
  assert.is((await settled(scans)) - atOnce, 0, "pages that were read after the command had ended");
  const whole = await run(["keys", "many:", "--limit", "100000"], { env });
  assert.is(whole.stdout.trimEnd().split("\n").length, many.length);
  for (const limit of ["0", "-1", "1.5", "all", ""]) {
    const { code, stderr } = await run(["keys", `--limit=${limit}`]);
    assert.is(code, 2);
    assert.match(stderr, /^dynakv: --limit: ".*" is no number of keys from 1\n$/);
  }
  assert.match((await run(["keys", "--null", "--json"])).stderr, /give --null, or --json, not both/);
});

test("a reader who has gone ends the scan, and is no failure worth a line", async () => {
  const gone = await run(["keys"], { shell: '{ "$@"; echo "$?" >&2; } | head -n 1' });
  assert.match(gone.stderr, /^(0|141)\n$/);
  assert.is(gone.stdout.split("\n").length, 2);
});

test("a terminal is told how many keys there were, and what the scan took", async () => {
  const { stdout, stderr, code } = await run(["keys", "many:6"], { terminal: ["stderr"] });
  const keys = stdout.trimEnd().split("\n").length;
  assert.is(code, 0);
  assert.match(stderr, new RegExp(`^dynakv: ${keys} keys; the scan took [\\d.]+ read units\\n$`));
});

test("a server that is away while it reads is told of, and no end is pretended", async () => {
  const { proxy, proxied } = commands;
  proxy.decide = ({ operation }) => (operation === "Scan" ? "refuse" : "forward");
  const { code, stdout, stderr } = await run(["keys", "--timeout", "2"], { env: { DYNAKV_ADDRESS: proxied.url } });
  assert.equal([code, stdout], [3, ""]);
  assert.match(stderr, /^dynakv: [^\n]+\n$/);
});

test("info tells what the server is and what it takes, for people and for programs", async () => {
  const table = uniqueTableName();
  const { url } = await commands.server.replica({ table, ttlSeconds: 3600, maxRequestBytes: 1_048_576 });
  const env = { DYNAKV_ADDRESS: url };
  const [people, programs] = await Promise.all([run(["info"], { env }), run(["info", "--json"], { env })]);
  assert.equal(outcomeOf(people), done);
  assert.match(people.stdout, new RegExp(`^table +${table}$`, "m"));
  assert.match(people.stdout, /^largest request +1,048,576 bytes$/m);
  assert.match(people.stdout, /^default expiry +3,600 s$/m);
  const told = JSON.parse(programs.stdout);
  assert.equal([told.table.name, told.limits.maxRequestBytes, told.defaultExpiry], [table, 1_048_576, "3600s"]);
  // What is false or 0 is there as well.
  assert.type(told.features.autoExpiry, "boolean");
});

test("info of a server that does not tell ends with 3", async () => {
  const { url } = await commands.server.replica({ introspection: "off" });
  const { code, stderr } = await run(["info"], { env: { DYNAKV_ADDRESS: url } });
  assert.is(code, 3);
  assert.match(stderr, /^dynakv: .*UNIMPLEMENTED.*have it disabled[^\n]*\n$/);
});

test.run();
