import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { FaultProxy } from "../../server/src/faults/index.js";
import { uniqueTableName } from "../../server/test/support/engine.js";
import { fillTable } from "../../server/test/support/fill-table.js";
import { suite } from "../../server/test/support/suite.js";
import type { TestServer } from "../../server/test/support/test-server.js";
import { waitUntil } from "../../server/test/support/wait-until.js";
import { type CommandsServer, startCommandsServer } from "./support/commands-server.js";
import type { CliOptions, CommandsCli } from "./support/run-cli.js";
import { contents, parseLines, readTable, toText, valueLine } from "./support/transfer-lines.js";

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
  const lines = parseLines(exported.stdout);
  assert.is(lines.length, 9);
  assert.ok(lines.every(({ writeTime }) => !Number.isNaN(Date.parse(writeTime ?? ""))));
  const imported = await run(["import"], { input: exported.bytes, env: { DYNAKV_ADDRESS: url } });
  assert.is(imported.code, 0, imported.stderr);
  assert.match(imported.stderr, /^dynakv: stored 9; this run: 9 entries/);
  assert.equal(await readTable(client, ""), contents(lines));
  assert.equal(await readTable(server.client, "trip:"), contents(lines));
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

  /** What stderr says until it matches, or ends. */
  async function watch(args: readonly string[], pattern: RegExp): Promise<string> {
    const { process: child, ended } = cli.start(args, options);
    let said = "";
    let hasEnded = false;
    child.stderr
      ?.on("data", (text: string) => {
        said += text;
      })
      .once("close", () => {
        hasEnded = true;
      });
    await waitUntil(`${args[0]} says ${pattern}`, () => hasEnded || pattern.test(said), 60_000);
    child.kill("SIGKILL");
    await ended;
    return said;
  }

  const output = (name: string) => ["--output", join(folder, name)];
  const ofImport = /\r\[#{10}\.{6}\] {2}60 % {2}~\d+ (s|min) left {2}6 entries {2}/;
  const ofKeys = /\r\[#{4}\.{12}\] {2}25 % {2}~\d+ (s|min) left {2}200 entries {2}/;
  const [imported, listed, scanned] = await Promise.all([
    watch(["import", file, "--concurrency", "1"], ofImport),
    watch(["export", "--keys-from", keysFile, ...output("left-listed")], ofKeys),
    watch(["export", ...output("left-scanned")], /\r[1-9][\d,]* entries/),
  ]);
  assert.match(imported, ofImport);
  assert.match(listed, ofKeys);
  assert.not.match(scanned, /left|%/);
});

test.run();
