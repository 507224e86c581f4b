import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { buildCommands, type CommandsCli } from "../../cli/test/support/run-cli.js";
import { exampleNames } from "../../docs/generated-parts.js";
import { type SpawnedServer, spawnServer } from "../../server/test/support/spawn-server.js";
import { suite } from "../../server/test/support/suite.js";
import { root } from "../../tools/root.js";
import { readBlocks, readCommands, readPage } from "./pages.js";

const test = suite("commands and programs of the docs");
const run = promisify(execFile);
const exampleAddress = "127.0.0.1:50051";

let server: SpawnedServer;
let cli: CommandsCli;
let folder: string;

test.before(async () => {
  cli = await buildCommands();
});

// A table and a folder of its own for each page: what one has written must not be in another's way.
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "dynakv-docs-"));
  server = await spawnServer(["--data", "memory"]);
});

test.after.each(async () => {
  server.process.kill("SIGTERM");
  await server.exit;
  await rm(folder, { recursive: true, force: true });
});

test.after(() => cli.remove());

/** Points an example at the server of this test. */
function redirected(code: string): string {
  return code.replaceAll(exampleAddress, server.url.replace("http://", ""));
}

/** What a command prints, to both streams, whether or not it fails. */
async function outputOf(command: string): Promise<string> {
  const local = redirected(command)
    .replaceAll(/^npx buf/gm, join(root, "node_modules/.bin/buf"))
    .replaceAll("npx dynakv", `node ${cli.main}`);
  const { stdout } = await run("sh", ["-c", `{ ${local.trim()}\n} 2>&1 || true`], {
    cwd: folder,
    env: { ...process.env, DYNAKV_ADDRESS: server.url },
  });
  return stdout;
}

/** JSON on one line, as the README has it; anything else as it is. */
function compacted(output: string): string {
  try {
    return JSON.stringify(JSON.parse(output));
  } catch {
    return output;
  }
}

/** Blanks what differs from run to run: etags, times, and the encoded detail that holds an etag. */
function stable(output: string): string {
  return compacted(output)
    .replaceAll(/[\w-]{16}(\.-?\d+)?(?=")/g, "ETAG$1")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/(?<=etag is )[\w-]{16}/g, "ETAG")
    .replaceAll(/\d+ bytes, in [\d.]+ s \([\d,]+ a second\)/g, "RATE")
    .replaceAll(/"value": ?"CAY\w+"/g, '"value":"DETAIL"')
    .trim();
}

for (const [page, count] of [
  ["README.md", 5 + 10],
  ["docs/cli.md", 13],
] as const) {
  test(`each command of ${page} prints what stands below it`, async () => {
    const commands = readBlocks(page)
      .filter(({ language }) => language === "console")
      .flatMap(({ code }) => readCommands(code));
    for (const { command, output } of commands) {
      assert.is(stable(await outputOf(command)), stable(output), command);
    }
    assert.is(commands.length, count);
  });
}

test("each command of docs/calls.md answers with the block below it", async () => {
  const blocks = readBlocks("docs/calls.md");
  let commands = 0;
  for (const [index, { language, code }] of blocks.entries()) {
    if (language === "sh") {
      assert.is(blocks[index + 1]?.language, "json", code);
      assert.is(stable(await outputOf(code)), stable(blocks[index + 1]?.code ?? ""), code);
      commands++;
    }
  }
  assert.is(commands, 8);
});

/** Runs a program, and compares all that it prints with its `// prints` comments. */
async function runProgram(file: string, code: string): Promise<void> {
  const { stdout } = await run(process.execPath, ["--import", "tsx", file], {
    cwd: root,
    // The cache is not to be given up where the machine is busy.
    env: { ...process.env, FORCE_COLOR: "0", DYNAKV_ADDRESS: server.url, CACHE_TIMEOUT_MS: "30000" },
  });
  const expected = [...code.matchAll(/\/\/ prints (.*)$/gm)].map(([, printed]) => printed);
  assert.ok(expected.length > 0, file);
  assert.equal(stdout.trimEnd().split("\n"), expected, file);
}

// The examples of the packages' READMEs are run from the tarballs, by `npm run test:packages`.
for (const [page, count] of [
  ["README.md", 2],
  ["docs/celery-results.md", 1],
] as const) {
  test(`each TypeScript program of ${page} runs, and prints what its comments say`, async () => {
    const programs = readBlocks(page).filter(({ language }) => language === "ts");
    assert.is(programs.length, count);
    await Promise.all(
      programs.map(async ({ code }, index) => {
        const file = join(folder, `program-${index}.mts`);
        await writeFile(file, redirected(code));
        await runProgram(file, code);
      }),
    );
  });
}

test("each example runs, prints what its comments say, and is short", async () => {
  await Promise.all(
    exampleNames.map(async (name) => {
      const code = readPage(`examples/${name}.ts`);
      assert.ok(code.trimEnd().split("\n").length < 40, `${name} has 40 lines or more`);
      await runProgram(join(root, "examples", `${name}.ts`), code);
    }),
  );
});

test.run();
