import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { FaultProxy } from "../../server/src/faults/index.js";
import { suite } from "../../server/test/support/suite.js";
import type { TestServer } from "../../server/test/support/test-server.js";
import { waitUntil } from "../../server/test/support/wait-until.js";
import { type CommandsServer, startCommandsServer } from "./support/commands-server.js";
import type { CommandsCli } from "./support/run-cli.js";
import { contents, readTable, toText, valueLine } from "./support/transfer-lines.js";

const test = suite("import");
let server: TestServer;
let proxy: FaultProxy;
/** Reaches the engine through the proxy. */
let proxied: CommandsServer["proxied"];
let folder: string;
let cli: CommandsCli;
let run: CommandsServer["run"];
let commands: CommandsServer;

test.before(async () => {
  commands = await startCommandsServer();
  ({ cli, server, proxy, proxied, folder, run } = commands);
});

test.before.each(() => proxy.reset());

test.after(() => commands.stop());

test("a counter is brought to its number, whatever the key holds, and never added to", async () => {
  const numbers = ["0", "7", "-7", String(2n ** 63n - 1n), String(-(2n ** 63n))];
  const lines = numbers.flatMap((counter, index) =>
    ["none", "same", "far", "value", "expires"].map((kind) => ({ key: `counter:${kind}:${index}`, counter })),
  );
  await Promise.all(
    lines.map(({ key, counter }) => {
      const far = { key, delta: BigInt(counter) > 0n ? -(2n ** 63n) : 2n ** 63n - 1n };
      const expiry = { policy: { case: "after" as const, value: { seconds: 3600n } } };
      switch (key.split(":")[1]) {
        case "same":
          return server.client.incr({ key, delta: BigInt(counter) });
        case "far":
          return server.client.incr(far);
        case "value":
          return server.client.set({ key, value: Buffer.from("1") });
        case "expires":
          return server.client.incr({ key, delta: 5n, expiry });
        default:
          return undefined;
      }
    }),
  );
  for (let times = 0; times < 2; times++) {
    const { code, stderr } = await run(["import"], { input: toText(lines) });
    assert.is(code, 0, stderr);
    assert.equal(await readTable(server.client, "counter:"), contents(lines));
  }
});

test("by default what keys hold is replaced; --if-absent leaves it, of two lines the later one stands", async () => {
  await server.client.set({ key: "kept:1", value: Buffer.from("old") });
  await server.client.incr({ key: "kept:2", delta: 3n });
  // Longer in flight than the one after it.
  const large = "first".repeat(60_000);
  const lines = [
    valueLine("kept:1", "new"),
    { key: "kept:2", counter: "5" },
    valueLine("kept:3", large),
    { key: "kept:4", counter: "1" },
    valueLine("kept:3", "second"),
  ];
  const left = await run(["import", "--if-absent"], { input: toText(lines) });
  assert.is(left.code, 0);
  assert.match(left.stderr, /^dynakv: stored 2, left 3 as they were;/);
  assert.equal(await readTable(server.client, "kept:"), [
    valueLine("kept:1", "old"),
    { key: "kept:2", counter: "3" },
    valueLine("kept:3", large),
    { key: "kept:4", counter: "1" },
  ]);
  await run(["import"], { input: toText(lines) });
  assert.equal(await readTable(server.client, "kept:"), [
    valueLine("kept:1", "new"),
    { key: "kept:2", counter: "5" },
    valueLine("kept:3", "second"),
    { key: "kept:4", counter: "1" },
  ]);
});

test("what never expires is imported as such into a server that has a default expiry, and what expires keeps its own", async () => {
  const { url, client } = await server.replica({ ttlSeconds: 60 });
  const expireTime = new Date((Math.floor(Date.now() / 1000) + 3600) * 1000).toISOString();
  const lines = [
    { key: "default:counter", counter: "5" },
    { key: "default:counter expires", counter: "5", expireTime },
    { key: "default:counter was there", counter: "5" },
    valueLine("default:value", "1"),
    valueLine("default:value expires", "1", { expireTime }),
    valueLine("default:value was there", "1"),
  ];
  for (let times = 0; times < 2; times++) {
    await client.set({ key: "default:value was there", value: Buffer.from("old") });
    await client.incr({ key: "default:counter was there" });
    const { code, stderr } = await run(["import"], { input: toText(lines), env: { DYNAKV_ADDRESS: url } });
    assert.is(code, 0, stderr);
    assert.equal(await readTable(client, "default:"), lines);
  }
});

test("bad lines are told by their numbers, expired ones are passed over, and the others are stored", async () => {
  const good = valueLine("bad:good", "1");
  const text = [
    "not json",
    JSON.stringify(good),
    "",
    '{"value":"MQ=="}',
    '{"key":"bad:1","value":"MQ"}',
    '{"key":"bad:2","counter":5}',
    '{"key":"bad:3","counter":"9223372036854775808"}',
    '{"key":"bad:4","value":"MQ==","counter":"1"}',
    '{"key":"","value":"MQ=="}',
    '{"key":"bad:\\ud800","value":"MQ=="}',
    '{"key":"bad:5","value":"MQ==","expireTime":"soon"}',
    ...["2030-01-31T12:00:00", "2030-02-31T12:00:00Z", "9999-12-31T23:59:59-12:00"].map((expireTime, index) =>
      JSON.stringify(valueLine(`bad:time:${index}`, "1", { expireTime })),
    ),
    JSON.stringify(valueLine("bad:expired", "1", { expireTime: "2020-01-01T00:00:00.000Z" })),
    JSON.stringify({ key: "bad:6", error: { reason: "UNREADABLE_ITEM" } }),
    JSON.stringify(valueLine("bad:last", "2")),
  ].join("\n");
  const input = Buffer.concat([Buffer.from(`${text}\n`), Buffer.from([0xff, 0x0a])]);
  const { code, stdout, stderr } = await run(["import"], { input });
  assert.is(code, 1);
  assert.is(stdout, "");
  const told = [...stderr.matchAll(/^dynakv: line (\d+) (.*)$/gm)].map(([, line, why]) => `${line} ${why}`).sort();
  assert.equal(
    told,
    [
      "1 is not JSON",
      "4 has no key",
      "5 has a value that is not base64",
      "6 has a counter that is no string of an integer of 64 bits",
      "7 has a counter that is no string of an integer of 64 bits",
      "8 has not one of value and counter",
      "9 is refused: key: 0 bytes; a key has 1 to 2048 (INVALID_ARGUMENT INVALID_KEY)",
      "10 has a key that is not UTF-8",
      ...[11, 12, 13].map(
        (line) => `${line} has an expireTime that is no time with Z or an offset, such as 2030-01-31T12:00:00.000Z`,
      ),
      "14 is refused: expiry.at: after the year 9999 (INVALID_ARGUMENT INVALID_EXPIRY)",
      "16 tells of a key that could not be read, and holds nothing",
      "18 is not UTF-8",
    ].sort(),
  );
  assert.match(stderr, /\ndynakv: stored 2, passed over 1 that have expired, could not store 14; this run/);
  assert.equal(await readTable(server.client, "bad:"), contents([good, valueLine("bad:last", "2")]));
});

test("a byte order mark before the first line is no part of it", async () => {
  const { code, stderr } = await run(["import"], { input: `\ufeff${toText([valueLine("bom", "1")])}` });
  assert.is(code, 0, stderr);
  assert.equal(await readTable(server.client, "bom"), [valueLine("bom", "1")]);
});

test("--stop-on-error stops at a bad line, and goes on from there once it is mended", async () => {
  const file = join(folder, "stops.jsonl");
  await writeFile(file, `${toText([valueLine("stop:1", "1")])}wrong\n${toText([valueLine("stop:3", "3")])}`);
  const stopped = await run(["import", file, "--stop-on-error", "--concurrency", "1"]);
  assert.is(stopped.code, 1);
  assert.match(stopped.stderr, /stopped after line 1; rerun the same command to resume\ndynakv: line 2 is not JSON\n$/);
  await server.client.delete({ key: "stop:1" });
  await writeFile(file, toText([valueLine("stop:1", "1"), valueLine("stop:2", "2"), valueLine("stop:3", "3")]));
  const mended = await run(["import", file, "--stop-on-error"]);
  assert.is(mended.code, 0, mended.stderr);
  assert.match(mended.stderr, /^dynakv: stored 3; this run: 2 entries/);
  assert.equal(await readTable(server.client, "stop:"), [valueLine("stop:2", "2"), valueLine("stop:3", "3")]);
  assert.not(existsSync(`${file}.progress`));
});

test("an import whose file has changed in what was imported is refused", async () => {
  const file = join(folder, "changed.jsonl");
  await writeFile(file, `${toText([valueLine("changed:1", "1")])}wrong\n`);
  await run(["import", file, "--stop-on-error", "--concurrency", "1"]);
  await writeFile(file, toText([valueLine("changed:1", "2")]));
  const { code, stderr } = await run(["import", file]);
  assert.is(code, 2);
  assert.match(stderr, /changed\.jsonl\.progress tells of, or was changed in what is imported; remove/);
});

test("an import goes on only into the server that it began with", async () => {
  const file = join(folder, "elsewhere.jsonl");
  await writeFile(file, `${toText([valueLine("elsewhere:1", "1")])}wrong\n${toText([valueLine("elsewhere:3", "3")])}`);
  assert.is((await run(["import", file, "--stop-on-error", "--concurrency", "1"])).code, 1);
  const elsewhere = await run(["import", file, "--address", proxied.url]);
  assert.is(elsewhere.code, 2);
  assert.match(
    elsewhere.stderr,
    /progress belongs to an import into another server \(http:.*\); resume with the same --addr/,
  );
  assert.match((await run(["import", file, "--address", `${server.url}/`])).stderr, /stored 2, could not store 1;/);
});

test("an import from a pipe ends when the server is away, and does not wait for more input", async () => {
  const pipe = join(folder, "live.pipe");
  const input = toText([valueLine("piped:live", "1")]);
  const args = ["import", "--address", "http://127.0.0.1:1", "--timeout", "3"];
  const results = await Promise.all([
    run(args, { input, keepsStdin: true }),
    // The command itself keeps the pipe open.
    run([...args, pipe], { input, shell: `mkfifo ${pipe}; exec 3<>${pipe}; cat >&3; exec "$@"` }),
  ]);
  for (const { code, stderr } of results) {
    assert.is(code, 3, stderr);
    assert.match(stderr, /^dynakv: stopped after line 0; stored entries are kept\ndynakv: [^\n]*ECONNREFUSED[^\n]*\n$/);
  }
});

test("an import reads a pipe that is given as a file, and notes nothing beside it", async () => {
  const pipe = join(folder, "pipe");
  const input = toText([valueLine("piped:1", "1"), valueLine("piped:2", "2")]);
  const { code, stderr } = await run(["import", pipe], {
    input,
    shell: `mkfifo ${pipe}; exec 3<&0; cat <&3 > ${pipe} & exec "$@"`,
  });
  assert.is(code, 0, stderr);
  assert.equal(await readTable(server.client, "piped:"), [valueLine("piped:1", "1"), valueLine("piped:2", "2")]);
  assert.not(existsSync(`${pipe}.progress`));
});

test("an import whose progress cannot be noted is refused before anything is stored", async () => {
  const file = join(folder, "unnoted.jsonl");
  await writeFile(file, toText([valueLine("unnoted", "1")]));
  const { code, stderr } = await run(["import", file, "--progress", join(folder, "none", "progress")]);
  assert.is(code, 2);
  assert.match(stderr, /^dynakv: --progress: .*progress cannot be written \(ENOENT\); give a path that can\n$/);
  assert.equal(await readTable(server.client, "unnoted"), []);
});

test("an import that is killed goes on where it was, and every counter is exact", async () => {
  const lines = Array.from({ length: 800 }, (_, n) =>
    n % 3 === 0 ? { key: `slow:${n}`, counter: String(2n ** 60n + BigInt(n)) } : valueLine(`slow:${n}`, String(n)),
  );
  const file = join(folder, "slow.jsonl");
  await writeFile(file, toText(lines));
  proxy.decide = ({ operation }) => (operation === "PutItem" ? { kind: "delay", afterMs: 150 } : "forward");
  const env = { DYNAKV_ADDRESS: proxied.url };
  const killed = cli.start(["import", file, "--concurrency", "64"], { env });
  await waitUntil("it has noted how far it is", () => existsSync(`${file}.progress`));
  killed.process.kill("SIGKILL");
  assert.is((await killed.ended).code, "SIGKILL");
  const before = JSON.parse(await readFile(`${file}.progress`, "utf8"));
  assert.ok(before.stored > 0 && before.stored < lines.length);
  proxy.reset();
  const { code, stderr } = await cli.run(["import", file], { env });
  assert.is(code, 0, stderr);
  const left = (lines.length - before.stored).toLocaleString("en");
  assert.match(stderr, new RegExp(`^dynakv: stored 800; this run: ${left} entries`));
  assert.equal(await readTable(server.client, "slow:"), contents(lines));
  assert.not(existsSync(`${file}.progress`));
});

test.run();
