import { existsSync } from "node:fs";
import { readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient, DynakvError } from "../../client/src/index.js";
import { Consistency } from "../../gen/dynakv/v1/entry_pb.js";
import { type FaultProxy, serviceUnavailable } from "../../server/src/faults/index.js";
import { uniqueTableName } from "../../server/test/support/engine.js";
import { fillTable } from "../../server/test/support/fill-table.js";
import { suite } from "../../server/test/support/suite.js";
import type { TestServer } from "../../server/test/support/test-server.js";
import { waitUntil } from "../../server/test/support/wait-until.js";
import { digestEnds } from "../src/transfer/digest-file.js";
import { keyBatches } from "../src/transfer/export-batches.js";
import { type CommandsServer, startCommandsServer } from "./support/commands-server.js";
import type { CliOptions, CommandsCli } from "./support/run-cli.js";

const test = suite("export and import");
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

interface Line {
  key: string;
  value?: string;
  counter?: string;
  writeTime?: string;
  expireTime?: string;
  error?: { reason: string };
}

function parse(text: string): Line[] {
  assert.ok(text === "" || text.endsWith("\n"));
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** What was stored, in the order of the keys, without when it was. */
const contents = (lines: readonly Line[]) =>
  lines.map(({ writeTime: _, ...line }) => line).sort((a, b) => (a.key < b.key ? -1 : 1));

const valueLine = (key: string, value: string, more: object = {}) =>
  ({ key, value: Buffer.from(value).toString("base64"), ...more }) satisfies Line;
const toText = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join("");

async function readTable(prefix: string, client = server.client): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const { results } of client.scan({ prefix, consistency: Consistency.STRONG })) {
    for (const { key, result } of results) {
      const data = result.case === "entry" ? result.value.data : undefined;
      const expiry = result.case === "entry" ? result.value.expireTime : undefined;
      const expireTime = expiry && {
        expireTime: new Date(Number(expiry.seconds) * 1000 + expiry.nanos / 1e6).toISOString(),
      };
      lines.push(
        data?.case === "counter"
          ? { key, counter: data.value.toString(), ...expireTime }
          : { key, value: Buffer.from(data?.value ?? []).toString("base64"), ...expireTime },
      );
    }
  }
  return contents(lines);
}

test("what is exported from one table and imported into another is the same there", async () => {
  const { url, client } = await server.replica({ table: uniqueTableName() });
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
  const expiry = { policy: { case: "after" as const, value: { seconds: 3600n } } };
  await Promise.all([
    server.client.set({ key: "trip:bytes", value: bytes, expiry }),
    server.client.set({ key: "trip:empty", value: Buffer.alloc(0) }),
    server.client.set({ key: 'trip:new\nline "quoted" \\ \u2028', value: bytes }),
    server.client.set({ key: "trip:ключ 🔑", value: Buffer.from("значение") }),
    server.client.set({ key: "trip:large", value: Buffer.alloc(300_000, 5) }),
    server.client.incr({ key: "trip:big", delta: 9007199254740993n, expiry }),
    server.client.incr({ key: "trip:max", delta: 2n ** 63n - 1n }),
    server.client.incr({ key: "trip:min", delta: -(2n ** 63n) }),
    server.client.incr({ key: "trip:zero", delta: 0n }),
  ]);
  await server.client.set({ key: "other", value: bytes });
  const exported = await run(["export", "--prefix", "trip:"]);
  assert.is(exported.code, 0, exported.stderr);
  assert.match(exported.stderr, /^dynakv: exported 9 entries, 4\d\d\.\d kB, in [\d.]+ s \(\d+ a second\)\n$/);
  const lines = parse(exported.stdout);
  assert.is(lines.length, 9);
  assert.ok(lines.every(({ writeTime }) => !Number.isNaN(Date.parse(writeTime ?? ""))));
  const imported = await run(["import"], { input: exported.bytes, env: { DYNAKV_ADDRESS: url } });
  assert.is(imported.code, 0, imported.stderr);
  assert.match(imported.stderr, /^dynakv: stored 9; this run: 9 entries/);
  assert.equal(await readTable("", client), contents(lines));
  assert.equal(await readTable("trip:"), contents(lines));
});

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
    assert.equal(await readTable("counter:"), contents(lines));
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
  assert.equal(await readTable("kept:"), [
    valueLine("kept:1", "old"),
    { key: "kept:2", counter: "3" },
    valueLine("kept:3", large),
    { key: "kept:4", counter: "1" },
  ]);
  await run(["import"], { input: toText(lines) });
  assert.equal(await readTable("kept:"), [
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
    assert.equal(await readTable("default:", client), lines);
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
  assert.equal(await readTable("bad:"), contents([good, valueLine("bad:last", "2")]));
});

test("a byte order mark before the first line is no part of it", async () => {
  const { code, stderr } = await run(["import"], { input: `\ufeff${toText([valueLine("bom", "1")])}` });
  assert.is(code, 0, stderr);
  assert.equal(await readTable("bom"), [valueLine("bom", "1")]);
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
  assert.equal(await readTable("stop:"), [valueLine("stop:2", "2"), valueLine("stop:3", "3")]);
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

test("the keys of a file are exported without a scan, in their order", async () => {
  const keys = join(folder, "keys.txt");
  await server.putRaw({ id: { S: "listed:foreign" }, result: { S: "text" } });
  await server.client.set({ key: "listed:1", value: Buffer.from("1") });
  await writeFile(keys, "listed:1\nnone\nlisted:foreign\nlisted:1\n");
  const output = join(folder, "listed.jsonl");
  const { code, stderr } = await run(["export", "--keys-from", keys, "--output", output], {
    env: { DYNAKV_ADDRESS: proxied.url },
  });
  const lines = parse(await readFile(output, "utf8"));
  assert.equal(
    lines.map(({ key, value, error }) => [key, value ?? error?.reason]),
    [
      ["listed:1", "MQ=="],
      ["listed:foreign", "UNREADABLE_ITEM"],
      ["listed:1", "MQ=="],
    ],
  );
  assert.is(code, 1);
  assert.match(stderr, /^dynakv: exported 2 entries.*; 1 key holds nothing\ndynakv: 1 key could not be read/);
  assert.is(proxy.requests.get("Scan"), undefined);
});

test("a key that cannot be read for now ends an export, which never passes for whole without its entry", async () => {
  await fillTable(server, ["away:1", "away:2"]);
  proxy.decide = ({ bytes }) => (bytes.includes("away:2") ? serviceUnavailable() : "forward");
  // The command itself tries for a minute.
  const client = createClient({ address: proxied.url, retries: false });
  const keys = (async function* () {
    yield* ["away:1", "away:2"];
  })();
  const batches = keyBatches(client, keys, { consistency: "strong", timeoutMs: undefined, done: 0, ends: [] });
  const error = await batches.next().then(
    ({ value }) => assert.unreachable(`${value?.lines}`),
    (reason: unknown) => reason,
  );
  client.close();
  assert.instance(error, DynakvError);
  assert.is((error as DynakvError).reason, "BACKEND_UNAVAILABLE");
});

test("an export leaves a file alone that is not its own, and one with other flags", async () => {
  const output = join(folder, "mine.jsonl");
  await writeFile(output, "mine");
  const refused = await run(["export", "--prefix", "kept:", "--output", output]);
  assert.is(refused.code, 2);
  assert.match(refused.stderr, /mine\.jsonl already exists; choose another, or pass --overwrite/);
  assert.is(await readFile(output, "utf8"), "mine");
  const keys = join(folder, "other-keys.txt");
  await writeFile(keys, "kept:1\n");
  const note = { format: "dynakv export 1", isNull: false, address: `${server.url}/`, cursor: "", bytes: 0 };
  // Too long to be looked at whole: its beginning and its end are.
  const long = join(folder, "long-keys.txt");
  const line = `${"k".repeat(1000)}\n`;
  const keysDigest = async (text: string) => {
    await writeFile(long, text);
    return digestEnds(long, "--keys-from");
  };
  const noted = await keysDigest(line.repeat(200));
  assert.is(await keysDigest(line.repeat(200)), noted);
  for (const changed of [`j${line.slice(1)}${line.repeat(199)}`, `${line.repeat(199)}j${line.slice(1)}`]) {
    assert.is.not(await keysDigest(changed), noted);
  }
  const others: [object, string[], RegExp][] = [
    [
      { prefix: "other:" },
      ["--prefix", "kept:"],
      /belongs to an export with another --prefix, --keys-from or --null; resume/,
    ],
    [{ prefix: "", keysFrom: keys, isNull: true }, ["--keys-from", keys], /with another --prefix, --keys-from or/],
    [
      { prefix: "", keysFrom: keys, keysDigest: "of others" },
      ["--keys-from", keys],
      /other-keys\.txt has changed since/,
    ],
    [
      { prefix: "", address: "http://there:1/" },
      [],
      /belongs to an export from another server \(http:\/\/there:1\/\); resume/,
    ],
  ];
  for (const [differing, args, message] of others) {
    await writeFile(`${output}.cursor`, JSON.stringify({ ...note, ...differing }));
    const other = await run(["export", ...args, "--output", output]);
    assert.match(other.stderr, message);
    assert.is(other.code, 2);
    assert.is(await readFile(output, "utf8"), "mine");
  }
  const replaced = await run(["export", "--prefix", "kept:", "--output", output, "--overwrite"]);
  assert.is(replaced.code, 0, replaced.stderr);
  assert.is(parse(await readFile(output, "utf8")).length, 4);
});

test("an export can be read by its owner alone, and follows no link", async () => {
  await server.client.set({ key: "private:1", value: Buffer.from("v") });
  const output = join(folder, "private.jsonl");
  assert.is((await run(["export", "--prefix", "private:", "--output", output])).code, 0);
  assert.is((await stat(output)).mode & 0o777, 0o600);
  // Whoever may write to the folder could have it lead to any file of the user's.
  const victim = join(folder, "victim");
  for (const [name, before] of [
    ["linked.jsonl", undefined],
    ["linked.jsonl", "precious"],
    ["plain.jsonl.cursor.new", "precious"],
  ] as const) {
    await rm(victim, { force: true });
    if (before !== undefined) {
      await writeFile(victim, before);
    }
    await symlink(victim, join(folder, name));
    const to = join(folder, name.replace(".cursor.new", ""));
    for (const flags of [[], ["--overwrite"]]) {
      const { code } = await run(["export", "--prefix", "private:", "--output", to, ...flags]);
      assert.ok(code === 2 || code === 3, `${name} ${code}`);
    }
    assert.is(await readFile(victim, "utf8").catch(() => undefined), before);
    await rm(join(folder, name));
  }
});

test("an export that is refused, or finds no server, changes no file", async () => {
  const output = join(folder, "precious.jsonl");
  await writeFile(output, "precious");
  const away = ["--address", "http://127.0.0.1:1", "--timeout", "2"];
  const refused = await Promise.all([
    run(["export", "--output", output, "--overwrite", ...away]),
    run(["export", "--output", output, "--overwrite", "--prefix", "x".repeat(2049)]),
    run(["export", "--output", join(folder, "new.jsonl"), "--keys-from", join(folder, "nosuch")]),
    run(["export", "--output", join(folder, "new.jsonl"), ...away]),
    run(["export", "--output", folder, "--overwrite"]),
    run(["export", "--output", "-"]),
  ]);
  assert.equal(
    refused.map(({ code }) => code),
    [3, 2, 2, 3, 2, 2],
    refused.map(({ stderr }) => stderr).join(""),
  );
  assert.match(refused[2]?.stderr ?? "", /^dynakv: --keys-from: .*nosuch cannot be read \(ENOENT\)\n$/);
  assert.match(refused[4]?.stderr ?? "", /^dynakv: --output: .* is not a regular file/);
  assert.match(refused[5]?.stderr ?? "", /^dynakv: --output: - is no file; without --output the lines go to stdout\n$/);
  assert.is(await readFile(output, "utf8"), "precious");
  for (const name of ["precious.jsonl.cursor", "new.jsonl", "new.jsonl.cursor"]) {
    assert.not(existsSync(join(folder, name)), name);
  }
  const none = join(folder, "of-nothing.jsonl");
  assert.is((await run(["export", "--prefix", "nobody has this", "--output", none])).code, 0);
  assert.is(await readFile(none, "utf8"), "");
});

test("an export that is killed goes on where it was: no line is lost, none comes twice", async () => {
  const many = Array.from({ length: 3000 }, (_, n) => `killed:${n}`);
  await fillTable(server, many);
  const output = join(folder, "killed.jsonl");
  const args = ["export", "--prefix", "killed:", "--output", output];
  const env = { DYNAKV_ADDRESS: proxied.url };
  proxy.decide = ({ operation }) => (operation === "Scan" ? { kind: "delay", beforeMs: 400 } : "forward");
  const noted = async () => JSON.parse(await readFile(`${output}.cursor`, "utf8").catch(() => "{}"));
  const killed = cli.start(args, { env });
  let bytes = 0;
  while (bytes === 0) {
    ({ bytes = 0 } = await noted());
  }
  // More after the note than there will be, and a half line.
  await waitUntil("more was written", () => (proxy.requests.get("Scan") ?? 0) > 4);
  killed.process.kill("SIGKILL");
  assert.is((await killed.ended).code, "SIGKILL");
  await writeFile(output, `${toText(many.map((key) => valueLine(key, "x".repeat(100))))}{"key":"killed:ha`, {
    flag: "a",
  });
  const before = await noted();
  assert.ok(before.entries > 0 && before.entries < many.length);
  proxy.reset();
  const { code, stderr } = await cli.run(args, { env });
  assert.is(code, 0, stderr);
  const lines = parse(await readFile(output, "utf8"));
  assert.equal(lines.map(({ key }) => key).sort(), [...many].sort());
  const left = (many.length - before.entries).toLocaleString("en");
  assert.match(stderr, new RegExp(`exported ${left} entries.*, 3,000 with those of earlier runs\n`));
  assert.not(existsSync(`${output}.cursor`));
});

test("what an export overwrites stays until all is done, and keeps its rights", async () => {
  const output = join(folder, "kept.jsonl");
  await writeFile(output, "before", { mode: 0o600 });
  const args = ["export", "--prefix", "killed:", "--output", output];
  const full = await run([...args, "--overwrite"], { shell: 'ulimit -f 64; exec "$@"' });
  assert.match(full.stderr, /^dynakv: interrupted; rerun the same command without --overwrite to resume, after/);
  assert.match(full.stderr, /kept\.jsonl\.part cannot be written \(EFBIG\)/);
  assert.is(await readFile(output, "utf8"), "before");
  const { code, stderr } = await run(args);
  assert.is(code, 0, stderr);
  assert.is(new Set(parse(await readFile(output, "utf8")).map(({ key }) => key)).size, 3000);
  assert.is((await stat(output)).mode & 0o777, 0o600);
  assert.not(existsSync(`${output}.part`));
  assert.not(existsSync(`${output}.cursor`));
});

test("an export whose disk is full says so, and goes on once there is room", async () => {
  const output = join(folder, "full.jsonl");
  const args = ["export", "--prefix", "killed:", "--output", output];
  const full = await run(args, { shell: 'ulimit -f 64; exec "$@"' });
  assert.is(full.code, 3);
  assert.match(full.stderr, /^dynakv: interrupted; rerun the same command to resume, after [^\n]*\ndynakv: [^\n]*\n$/);
  assert.match(full.stderr, /full\.jsonl cannot be written \(EFBIG\)/);
  const { code, stderr } = await run(args);
  assert.is(code, 0, stderr);
  assert.is(new Set(parse(await readFile(output, "utf8")).map(({ key }) => key)).size, 3000);
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

test("whoever stops an import or an export at a terminal is told how it goes on", async () => {
  const file = join(folder, "stopped.jsonl");
  await writeFile(file, toText([valueLine("stopped", "1")]));
  proxy.decide = () => "hang";
  const options: CliOptions = { env: { DYNAKV_ADDRESS: proxied.url }, terminal: ["stderr"] };
  const [importing, exporting] = [
    cli.start(["import", file], options),
    cli.start(["export", "--output", join(folder, "stopped-export.jsonl")], options),
  ];
  for (const { process: child, ended } of [importing, exporting]) {
    await new Promise((resolve) => child.stderr?.once("data", resolve));
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    assert.is(code, "SIGINT");
    assert.ok(stderr.endsWith("\r\u001b[Kdynakv: interrupted; rerun the same command to resume\n"), stderr);
  }
});

test("at a terminal the time that is left is told where the end is known, and never of a scan", async () => {
  // Six of ten lines are done, of equal length; the others hang.
  const file = join(folder, "left.jsonl");
  await writeFile(file, toText(Array.from({ length: 10 }, (_, n) => valueLine(`left:${n}`, "1"))));
  // Of these keys the first 200 come together.
  const keysFile = join(folder, "left.txt");
  const keys = Array.from({ length: 800 }, (_, n) => `${n < 300 ? "left" : "hang"}:${String(n).padStart(3, "0")}\n`);
  await writeFile(keysFile, keys.join(""));
  await fillTable(
    server,
    keys.slice(0, 300).map((key) => key.trim()),
  );
  let writes = 0;
  let scans = 0;
  proxy.decide = ({ operation, bytes }) =>
    (operation === "PutItem" && ++writes > 6) ||
    (operation === "Scan" && ++scans > 1) ||
    (operation === "BatchGetItem" && bytes.includes("hang:"))
      ? "hang"
      : "forward";
  const options: CliOptions = { env: { DYNAKV_ADDRESS: proxied.url }, terminal: ["stderr"] };

  /** What stderr says until it matches. */
  async function watch(args: readonly string[], pattern: RegExp): Promise<string> {
    const { process: child, ended } = cli.start(args, options);
    let said = "";
    child.stderr?.on("data", (text: string) => {
      said += text;
    });
    await Promise.race([waitUntil(`${args[0]} says ${pattern}`, () => pattern.test(said)), ended]);
    child.kill("SIGKILL");
    await ended;
    return said;
  }

  const output = (name: string) => ["--output", join(folder, name)];
  const [imported, listed, scanned] = await Promise.all([
    watch(["import", file, "--concurrency", "1"], /left/),
    watch(["export", "--keys-from", keysFile, ...output("left-listed")], /left/),
    watch(["export", ...output("left-scanned")], /\r[1-9][\d,]* entries/),
  ]);
  assert.match(imported, /\r\[#{10}\.{6}\] {2}60 % {2}~\d+ (s|min) left {2}6 entries {2}/);
  assert.match(listed, /\r\[#{4}\.{12}\] {2}25 % {2}~\d+ (s|min) left {2}200 entries {2}/);
  assert.not.match(scanned, /left|%/);
});

test("an import from a pipe ends when the server is away, and does not wait for more input", async () => {
  const pipe = join(folder, "live.pipe");
  const input = toText([valueLine("piped:live", "1")]);
  const args = ["import", "--address", "http://127.0.0.1:1", "--timeout", "0.3"];
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
  assert.equal(await readTable("piped:"), [valueLine("piped:1", "1"), valueLine("piped:2", "2")]);
  assert.not(existsSync(`${pipe}.progress`));
});

test("an import whose progress cannot be noted is refused before anything is stored", async () => {
  const file = join(folder, "unnoted.jsonl");
  await writeFile(file, toText([valueLine("unnoted", "1")]));
  const { code, stderr } = await run(["import", file, "--progress", join(folder, "none", "progress")]);
  assert.is(code, 2);
  assert.match(stderr, /^dynakv: --progress: .*progress cannot be written \(ENOENT\); give a path that can\n$/);
  assert.equal(await readTable("unnoted"), []);
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
  assert.equal(await readTable("slow:"), contents(lines));
  assert.not(existsSync(`${file}.progress`));
});

test.run();
