import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { buildCommands } from "../../cli/test/support/run-cli.js";
import { renderReasonsTable } from "../../server/src/errors/error-reasons.js";
import { renderSettingsTable } from "../../server/src/settings/help.js";
import { type SpawnedServer, spawnServer } from "../../server/test/support/spawn-server.js";
import { suite } from "../../server/test/support/suite.js";
import { root } from "../../tools/root.js";

const test = suite("README");
const run = promisify(execFile);
const exampleAddress = "127.0.0.1:50051";

let readme: string;
let blocks: { language: string; code: string }[];
let server: SpawnedServer;
let folder: string;

test.before(async () => {
  readme = await readFile(join(root, "README.md"), "utf8");
  blocks = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = "", code = ""]) => ({ language, code }));
  folder = await mkdtemp(join(tmpdir(), "dynakv-readme-"));
  server = await spawnServer(["--data", "memory"]);
});

test.after(async () => {
  server.process.kill("SIGTERM");
  await server.exit;
  await rm(folder, { recursive: true, force: true });
});

/** Points an example at the server of this test. */
function redirected(code: string): string {
  return code.replaceAll(exampleAddress, server.url.replace("http://", ""));
}

/** What differs from run to run: etags, times, and the encoded detail that holds an etag. */
function withoutChance(output: string): string {
  return output
    .replaceAll(/[\w-]{16}(\.-?\d+)?(?=")/g, "ETAG$1")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/(?<=etag is )[\w-]{16}/g, "ETAG")
    .replaceAll(/\d+ bytes, in [\d.]+ s \([\d,]+ a second\)/g, "RATE")
    .replaceAll(/"value": "CAY\w+"/g, '"value": "DETAIL"')
    .trim();
}

test("each curl command prints what stands below it", async () => {
  let commands = 0;
  for (const [index, { language, code }] of blocks.entries()) {
    if (language !== "sh" || !/^(npx buf )?curl/.test(code)) {
      continue;
    }
    const expected = blocks[index + 1];
    assert.is(expected?.language, "json", code);
    const command = redirected(code).replace(/^npx buf/, "node_modules/.bin/buf");
    // curl of buf ends with a code of its own when the call fails, and prints the error where answers do not go.
    const { stdout, stderr } = await run("sh", ["-c", `${command.trim()} || true`], { cwd: root });
    assert.is(withoutChance(stdout + stderr), withoutChance(expected?.code ?? ""), code);
    commands++;
  }
  assert.is(commands, 8);
});

test("each command of the command line prints what stands below it", async () => {
  const cli = await buildCommands();
  let commands = 0;
  for (const { language, code } of blocks) {
    if (language !== "console") {
      continue;
    }
    for (const [, command = "", expected = ""] of code.matchAll(/^\$ (.*)\n((?:[^$].*\n)*)/gm)) {
      const { stdout } = await run(
        "sh",
        ["-c", `${command.replaceAll("npx dynakv", `node ${cli.main}`)} 2>&1 || true`],
        {
          cwd: folder,
          env: { ...process.env, DYNAKV_ADDRESS: server.url },
        },
      );
      assert.is(withoutChance(stdout), withoutChance(expected), command);
      commands++;
    }
  }
  await cli.remove();
  assert.is(commands, 13);
});

// The examples of the packages' READMEs are run from the tarballs, by `npm run test:packages`.
for (const [page, least] of [
  ["README.md", 2],
  ["docs/recipes.md", 5],
  ["docs/celery-results.md", 1],
] as const) {
  test(`each TypeScript example of ${page} runs, and prints what its comments say`, async () => {
    const text = await readFile(join(root, page), "utf8");
    const examples = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
    assert.ok(examples.length >= least, `${examples.length} examples`);
    for (const [index, code] of examples.entries()) {
      const file = join(folder, `example-${index}.mts`);
      await writeFile(file, redirected(code));
      const { stdout } = await run(process.execPath, ["--import", "tsx", file], {
        cwd: root,
        env: { ...process.env, FORCE_COLOR: "0" },
      });
      for (const [, printed = ""] of code.matchAll(/\/\/ prints (.*)$/gm)) {
        assert.ok(stdout.split("\n").includes(printed), `${printed} in ${stdout}`);
      }
    }
  });
}

test("the tables that are made from code are up to date", async () => {
  for (const [name, marker, table] of [
    ["README.md", "settings", renderSettingsTable()],
    ["docs/errors.md", "reasons", renderReasonsTable()],
  ] as const) {
    const text = await readFile(join(root, name), "utf8");
    const [, part] = new RegExp(`<!-- ${marker} -->\\n(.*?)<!-- /${marker} -->`, "s").exec(text) ?? [];
    assert.is(part, table, `${name}: npm run docs`);
  }
});

test.run();
