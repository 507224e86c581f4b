import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { type CommandsServer, startCommandsServer } from "./support/commands-server.js";

const test = suite("commands that replace and remove");
let commands: CommandsServer;

test.before(async () => {
  commands = await startCommandsServer();
});

test.after(() => commands.stop());

const store = (key: string, value: string | Buffer) =>
  commands.server.client.set({ key, value: typeof value === "string" ? Buffer.from(value) : value });
const has = async (key: string) => (await commands.server.client.get({ key, consistency: 2 })).entry !== undefined;

test("set --previous prints what was there, byte for byte, and nothing where nothing was", async () => {
  const { run } = commands;
  const bytes = Buffer.from([0, 255, 10]);
  await store("previous:bytes", bytes);
  await commands.server.client.incr({ key: "previous:counter", delta: 7n });
  const [none, old, counter, refused] = await Promise.all([
    run(["set", "previous:none", "1", "--previous"]),
    run(["set", "previous:bytes", "new", "--previous"]),
    run(["set", "previous:counter", "new", "--previous", "--json"]),
    run(["set", "previous:absent", "1", "--previous", "--if-present"]),
  ]);
  assert.equal([none.code, none.stdout], [0, ""]);
  assert.equal(old.bytes, bytes);
  const { etag, previous } = JSON.parse(counter.stdout);
  assert.is.not(etag, previous.etag);
  assert.equal([previous.key, previous.counter], ["previous:counter", "7"]);
  assert.is(refused.code, 1);
  // A terminal cannot show it, and nobody could get it again.
  await store("previous:control", "\u001b[2J");
  const shown = await run(["set", "previous:control", "new", "--previous"], { terminal: ["stdout"] });
  assert.is(JSON.parse(shown.stdout).value, Buffer.from("\u001b[2J").toString("base64"));
});

test("delete --print gives an entry to one of several callers, and says no to the others", async () => {
  const { run } = commands;
  await store("job", "payload");
  const results = await Promise.all([1, 2, 3].map(() => run(["delete", "job", "--print"])));
  assert.equal(results.map(({ code, stdout }) => `${code} ${stdout}`).sort(), ["0 payload", "1 ", "1 "]);
  await store("whole", "1");
  const whole = await run(["delete", "whole", "--print", "--json"]);
  assert.equal([JSON.parse(whole.stdout).value, await has("whole")], ["MQ==", false]);
});

test("delete - removes the keys that lines of stdin name, also those with newlines", async () => {
  const { run } = commands;
  const keys = Array.from({ length: 300 }, (_, n) => `listed:${n}`);
  for (let n = 0; n < keys.length; n += 30) {
    await Promise.all(keys.slice(n, n + 30).map((key) => store(key, "1")));
  }
  const { code, stdout } = await run(["delete", "-"], { input: `${keys.join("\n")}\nlisted:none\n` });
  assert.equal([code, stdout, await has("listed:299")], [0, "300\n", false]);
  await store("odd\nkey", "1");
  const odd = await run(["delete", "--null", "-"], { input: "odd\nkey\0" });
  assert.equal([odd.stdout, await has("odd\nkey")], ["1\n", false]);
  await store("listed:kept", "1");
  const wrong = await run(["delete", "-"], { input: `${"x".repeat(2049)}\nlisted:gone\n` });
  assert.is(wrong.code, 2);
  assert.match(wrong.stderr, /2049 bytes; a key has 1 to 2048/);
});

test("delete --prefix removes what begins with it, once it is told yes", async () => {
  const { run } = commands;
  await Promise.all(["a", "b", "c"].map((key) => store(`prefix:${key}`, "1")));
  await store("prefer", "1");
  const refused = await run(["delete", "--prefix", "prefix:"]);
  assert.is(refused.code, 2);
  assert.match(refused.stderr, /give --yes as well/);
  const { code, stdout } = await run(["delete", "--prefix", "prefix:", "--yes"]);
  assert.equal([code, stdout, await has("prefix:a"), await has("prefer")], [0, "3\n", false, true]);
});

test("flags of delete that do not go together are refused before anything is removed", async () => {
  await store("safe", "1");
  const wrong: [string[], RegExp][] = [
    [[], /give keys, or -, or --prefix/],
    [["safe", "--prefix", "s", "--yes"], /give keys, or -, or --prefix/],
    [["--prefix", "", "--yes"], /--prefix must not be empty/],
    [["safe", "other", "--print"], /--print are for one key/],
    [["-", "--print"], /--print are for one key/],
    [["safe", "--json"], /--json goes with --print/],
    [["safe", "--null"], /--null goes with -/],
  ];
  const results = await Promise.all(wrong.map(([args]) => commands.run(["delete", ...args])));
  for (const [index, { code, stderr }] of results.entries()) {
    assert.is(code, 2);
    assert.match(stderr, wrong[index]?.[1] as RegExp);
  }
  assert.ok(await has("safe"));
});

test.run();
