import { existsSync } from "node:fs";
import { readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient, DynakvError } from "../../client/src/index.js";
import { type FaultProxy, serviceUnavailable } from "../../server/src/faults/index.js";
import { fillTable } from "../../server/test/support/fill-table.js";
import { suite } from "../../server/test/support/suite.js";
import type { TestServer } from "../../server/test/support/test-server.js";
import { waitUntil } from "../../server/test/support/wait-until.js";
import { digestEnds } from "../src/transfer/digest-file.js";
import { keyBatches } from "../src/transfer/export-batches.js";
import { type CommandsServer, startCommandsServer } from "./support/commands-server.js";
import type { CommandsCli } from "./support/run-cli.js";
import { parseLines, toText, valueLine } from "./support/transfer-lines.js";

const test = suite("export");
let server: TestServer;
let proxy: FaultProxy;
/** Reaches the engine through the proxy. */
let proxied: CommandsServer["proxied"];
let folder: string;
let cli: CommandsCli;
let run: CommandsServer["run"];
let commands: CommandsServer;
/** More than a server takes in one page. */
const many = Array.from({ length: 3000 }, (_, n) => `many:${n}`);

test.before(async () => {
  commands = await startCommandsServer();
  ({ cli, server, proxy, proxied, folder, run } = commands);
  await fillTable(server, many);
});

test.before.each(() => proxy.reset());

test.after(() => commands.stop());

test("the keys of a file are exported without a scan, in their order", async () => {
  const keys = join(folder, "keys.txt");
  await server.putRaw({ id: { S: "listed:foreign" }, result: { S: "text" } });
  await server.client.set({ key: "listed:1", value: Buffer.from("1") });
  await writeFile(keys, "listed:1\nnone\nlisted:foreign\nlisted:1\n");
  const output = join(folder, "listed.jsonl");
  const { code, stderr } = await run(["export", "--keys-from", keys, "--output", output], {
    env: { DYNAKV_ADDRESS: proxied.url },
  });
  const lines = parseLines(await readFile(output, "utf8"));
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
  await fillTable(server, ["kept:1", "kept:2", "kept:3", "kept:4"]);
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
  assert.is(parseLines(await readFile(output, "utf8")).length, 4);
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
      const { code, stderr } = await run(["export", "--prefix", "private:", "--output", to, ...flags]);
      assert.ok(code === 2 || code === 3, `${name} ${code}`);
      assert.is(/is a symbolic link; give the file/.test(stderr), name === "linked.jsonl", stderr);
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
  const output = join(folder, "killed.jsonl");
  const args = ["export", "--prefix", "many:", "--output", output];
  const env = { DYNAKV_ADDRESS: proxied.url };
  let isNoted = false;
  let scansSince = 0;
  proxy.decide = ({ operation }) =>
    operation !== "Scan" ? "forward" : isNoted && ++scansSince > 2 ? "hang" : { kind: "delay", beforeMs: 400 };
  const noted = async () => JSON.parse(await readFile(`${output}.cursor`, "utf8").catch(() => "{}"));
  const killed = cli.start(args, { env });
  let bytes = 0;
  while (bytes === 0) {
    ({ bytes = 0 } = await noted());
  }
  isNoted = true;
  await waitUntil("more was written", () => scansSince > 2);
  killed.process.kill("SIGKILL");
  assert.is((await killed.ended).code, "SIGKILL");
  // More after the note than there will be, and a half line.
  await writeFile(output, `${toText(many.map((key) => valueLine(key, "x".repeat(100))))}{"key":"many:ha`, {
    flag: "a",
  });
  const before = await noted();
  assert.ok(before.entries > 0 && before.entries < many.length);
  proxy.reset();
  const { code, stderr } = await cli.run(args, { env });
  assert.is(code, 0, stderr);
  const lines = parseLines(await readFile(output, "utf8"));
  assert.equal(lines.map(({ key }) => key).sort(), [...many].sort());
  const left = (many.length - before.entries).toLocaleString("en");
  assert.match(stderr, new RegExp(`exported ${left} entries.*, 3,000 with those of earlier runs\n`));
  assert.not(existsSync(`${output}.cursor`));
});

test("what an export overwrites stays until all is done, and keeps its rights", async () => {
  const output = join(folder, "kept.jsonl");
  await writeFile(output, "before", { mode: 0o600 });
  const args = ["export", "--prefix", "many:", "--output", output];
  const full = await run([...args, "--overwrite"], { shell: 'ulimit -f 64; exec "$@"' });
  assert.match(full.stderr, /^dynakv: interrupted; rerun the same command without --overwrite to resume, after/);
  assert.match(full.stderr, /kept\.jsonl\.part cannot be written \(EFBIG\)/);
  assert.is(await readFile(output, "utf8"), "before");
  const { code, stderr } = await run(args);
  assert.is(code, 0, stderr);
  assert.is(new Set(parseLines(await readFile(output, "utf8")).map(({ key }) => key)).size, 3000);
  assert.is((await stat(output)).mode & 0o777, 0o600);
  assert.not(existsSync(`${output}.part`));
  assert.not(existsSync(`${output}.cursor`));
});

test("an export whose disk is full says so, and goes on once there is room", async () => {
  const output = join(folder, "full.jsonl");
  const args = ["export", "--prefix", "many:", "--output", output];
  const full = await run(args, { shell: 'ulimit -f 64; exec "$@"' });
  assert.is(full.code, 3);
  assert.match(full.stderr, /^dynakv: interrupted; rerun the same command to resume, after [^\n]*\ndynakv: [^\n]*\n$/);
  assert.match(full.stderr, /full\.jsonl cannot be written \(EFBIG\)/);
  const { code, stderr } = await run(args);
  assert.is(code, 0, stderr);
  assert.is(new Set(parseLines(await readFile(output, "utf8")).map(({ key }) => key)).size, 3000);
});

test.run();
