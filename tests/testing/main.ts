/**
 * Tries @dynakv/testing as its users get it: packed, and installed into an empty folder outside the repository. Runs the programs of
 * docs/testing.md and docs/faults.md and the suite beside this file in Vitest and in Jest, which are set up by themselves, and measures
 * how long the start takes:
 *
 *     npm run test:testing
 *     npm run test:testing -- --write    also puts the measured times into docs/testing.md
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { installOnce, ToolMissing } from "../../tools/install-once.js";
import { renderTable, replaceMarked } from "../../tools/markdown.js";
import { root } from "../../tools/root.js";
import { median } from "../../tools/statistics.js";
import { execute, pack } from "../packages/pack.js";

const frameworks = ["vitest@4.1.12", "jest@30.5.2"];
const suiteFolder = join(root, "tests/testing/suite");
const testsOfSuite = 20;
const starts = 10;
/** How long the rest of a process group may outlive its leader, in milliseconds. */
const groupMs = 10_000;

interface Run {
  readonly code: number | null;
  readonly output: string;
  /** True if nothing was left of its process group. */
  readonly isGone: boolean;
}

/** Runs a program as the leader of a process group. */
async function run(cwd: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Run> {
  const env = { ...process.env, NO_COLOR: "1", ...environment };
  const child = spawn(process.execPath, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output, isGone: await isGroupGone(child) };
}

/** What ends with its leader may take a moment longer than it on a busy machine. What is left then is ended, too. */
async function isGroupGone(child: ChildProcess): Promise<boolean> {
  for (const givesUpAt = performance.now() + groupMs; performance.now() < givesUpAt; await sleep(50)) {
    if (!signalGroup(child, 0)) {
      return true;
    }
  }
  return !signalGroup(child, "SIGKILL");
}

/** Returns true if there was anybody to send it to. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  try {
    return pid !== undefined && process.kill(-pid, signal);
  } catch {
    return false;
  }
}

async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const result = await work();
  process.stdout.write(`ok - ${name}\n`);
  return result;
}

function expectRun({ code, output, isGone }: Run, wanted: RegExp, wantedCode = 0): void {
  if (code !== wantedCode || !wanted.test(output) || !isGone) {
    throw new Error(`exit code ${code}${isGone ? "" : ", and processes were left"}, not ${wanted} in\n${output}`);
  }
}

interface Framework {
  readonly name: string;
  /** Runs the test files of a folder. */
  run(folder: string): Promise<Run>;
  /** What it prints when so many tests have passed. */
  passed(tests: number): RegExp;
}

function createFrameworks(modules: string): readonly Framework[] {
  return [
    {
      name: "vitest",
      run: (folder) => run(folder, [join(modules, "vitest/vitest.mjs"), "run", "--globals", "--maxWorkers", "3"]),
      passed: (tests) => new RegExp(`Tests +${tests} passed \\(${tests}\\)`),
    },
    {
      name: "jest",
      run: (folder) =>
        run(folder, [join(modules, "jest/bin/jest.js"), "--maxWorkers", "3"], {
          NODE_OPTIONS: "--experimental-vm-modules",
        }),
      passed: (tests) => new RegExp(`Tests: +${tests} passed, ${tests} total`),
    },
  ];
}

/** A project with the packed packages and the frameworks. */
async function createProject(folder: string, tarballs: readonly string[], modules: string): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "example", private: true, type: "module" }));
  await execute(folder, "npm", "install", "--no-audit", "--no-fund", "--prefer-offline", ...tarballs);
  for (const name of ["vitest", "jest"]) {
    await symlink(join(modules, name), join(folder, "node_modules", name));
  }
}

async function withTests(project: string, name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(project, name);
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  for (const [file, code] of Object.entries(files)) {
    await writeFile(join(folder, file), code);
  }
  return folder;
}

async function readSuite(framework: string): Promise<Record<string, string>> {
  const files = (await readdir(suiteFolder)).map(async (file) => {
    const code = await readFile(join(suiteFolder, file), "utf8");
    return [file, code.replace("@dynakv/testing/FRAMEWORK", `@dynakv/testing/${framework}`)];
  });
  return Object.fromEntries(await Promise.all(files));
}

/** Programs of a page, by the name of the file in their first line. */
async function readPrograms(page: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(root, page), "utf8");
  const blocks = text.matchAll(/^```(?:ts|js|python)\n(?:\/\/|#) ([\w.-]+)\n(.*?)^```$/gms);
  return new Map([...blocks].map(([, file = "", code = ""]) => [file, code]));
}

/** A test that fails while a call is in flight. */
const failing = (framework: string) => ({
  "fails.test.js": `
    import { useTestServer } from "@dynakv/testing/${framework}";
    const kv = useTestServer();
    test("fails", async () => {
      kv.faults.slowDown(1000);
      kv.client.incr("a").catch(() => {});
      throw new Error("as it should");
    });`,
});

async function testPrograms(project: string, all: readonly Framework[]): Promise<void> {
  const programs = new Map([...(await readPrograms("docs/testing.md")), ...(await readPrograms("docs/faults.md"))]);
  const take = (file: string) => {
    const code = programs.get(file);
    if (code === undefined) {
      throw new Error(`the docs have no ${file}`);
    }
    programs.delete(file);
    return { [file]: code };
  };
  for (const framework of all) {
    const file = framework.name === "vitest" ? "visits.vitest.test.ts" : "visits.jest.test.js";
    await step(`the example of ${framework.name} in docs/testing.md passes`, async () => {
      const folder = await withTests(project, `example-${framework.name}`, take(file));
      expectRun(await framework.run(folder), framework.passed(framework.name === "vitest" ? 2 : 1));
    });
  }
  for (const file of ["visits.node.test.js", "faults.node.test.js"]) {
    await step(`${file} of the docs passes in node:test, and prints nothing else`, async () => {
      const folder = await withTests(project, file.replaceAll(".", "-"), take(file));
      expectRun(
        await run(folder, ["--test", "--test-reporter=tap", file]),
        /^ok 1 - (a visit|no increment).*^# pass 1$/ms,
      );
    });
  }
  await step("by-hand.js of docs/testing.md prints what it says, and nothing else", async () => {
    const folder = await withTests(project, "by-hand", take("by-hand.js"));
    expectRun(await run(folder, ["by-hand.js"]), /^false\n$/);
  });
  const [python = ""] = Object.values(take("serve_dynakv.py"));
  await testPython(project, python);
  if (programs.size > 0) {
    throw new Error(`nobody runs ${[...programs.keys()]}`);
  }
}

async function testPython(project: string, fixture: string): Promise<void> {
  const program = `${fixture}
import json, urllib.request
with dynakv() as address:
    call = urllib.request.Request(address + "/dynakv.v1.KeyValueService/Incr", b'{"key":"a"}', {"content-type": "application/json"})
    print(json.load(urllib.request.urlopen(call))["value"])
`;
  const folder = await withTests(project, "python", { "serve.py": program });
  try {
    await step("the fixture of Python serves a call, and ends", async () => {
      const printed = await execute(folder, "python3", "serve.py");
      if (printed !== "1\n") {
        throw new Error(`it printed ${printed}`);
      }
    });
  } catch (error) {
    if (!/ENOENT/.test(String((error as Error).cause))) {
      throw error;
    }
    process.stdout.write("python3 is missing: its fixture was not tried\n");
  }
}

interface Times {
  readonly readyMs: readonly number[];
  readonly emptyMs: readonly number[];
}

const programs = {
  ready: `import { startTestServer } from "@dynakv/testing";
const server = await startTestServer();
console.log(performance.now());
await server.close();
`,
  empty: "console.log(performance.now());\n",
};

/** From the start of the process on, in turns, so that both meet the same machine. */
async function measureStarts(project: string): Promise<Times> {
  const folder = await withTests(project, "starts", { "ready.js": programs.ready, "empty.js": programs.empty });
  const times = { readyMs: [] as number[], emptyMs: [] as number[] };
  for (let n = 0; n < starts; n++) {
    times.readyMs.push(await timeOf(folder, "ready.js"));
    times.emptyMs.push(await timeOf(folder, "empty.js"));
  }
  return times;
}

async function timeOf(folder: string, file: string): Promise<number> {
  const { output } = await run(folder, [file]);
  if (!/^[\d.]+\n$/.test(output)) {
    throw new Error(`${file} printed\n${output}`);
  }
  return Number(output);
}

function renderTimes({ readyMs, emptyMs }: Times): string {
  const row = (name: string, ms: readonly number[]) => [
    name,
    ...[median(ms), Math.min(...ms), Math.max(...ms)].map((each) => `${Math.round(each)} ms`),
  ];
  const table = renderTable(
    ["from the start of its process", `median of ${starts}`, "fastest", "slowest"],
    [row("a test server that is ready", readyMs), row("an empty Node process", emptyMs)],
    { figures: true },
  );
  return `Node ${process.version}, ${availableParallelism()} processors, from the packed package:\n\n${table}`;
}

async function main(): Promise<void> {
  const target = await installOnce({ name: "test-frameworks", version: "1", pins: frameworks }, (folder, runStep) =>
    runStep(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", ...frameworks]),
  );
  const modules = join(target, "node_modules");
  const all = createFrameworks(modules);
  const temporary = await mkdtemp(join(tmpdir(), "dynakv-testing-"));
  try {
    const project = join(temporary, "project");
    await step("the packages install into an empty project", async () => {
      const tarballs: string[] = [];
      for (const workspace of ["client", "server", "cli", "testing"]) {
        tarballs.push(await pack(workspace, temporary));
      }
      await createProject(project, tarballs, modules);
    });
    for (const framework of all) {
      await step(
        `the suite of ${testsOfSuite} tests passes in ${framework.name}, in three files at a time`,
        async () => {
          const folder = await withTests(project, `suite-${framework.name}`, await readSuite(framework.name));
          expectRun(await framework.run(folder), framework.passed(testsOfSuite));
        },
      );
      await step(`a test that fails in ${framework.name} leaves no process`, async () => {
        const folder = await withTests(project, `fails-${framework.name}`, failing(framework.name));
        expectRun(await framework.run(folder), /as it should/, 1);
      });
    }
    await testPrograms(project, all);
    const times = await step("servers start, and print nothing", () => measureStarts(project));
    process.stdout.write(`\n${renderTimes(times)}`);
    if (process.argv.includes("--write")) {
      replaceMarked("docs/testing.md", "start-up", renderTimes(times));
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`not ok - ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ToolMissing ? 2 : 1;
}
