import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProgram } from "../../tools/programs.js";
import { bundleTests } from "./bundle-tests.js";

/** A test file, and which of its tests are run; unset: all. */
export interface Chosen {
  readonly file: string;
  readonly tests?: readonly string[] | undefined;
}

/** What a test, or what lies between two, took, and which blocks it entered. */
export interface Part {
  /** Empty between two. */
  readonly test: string;
  readonly ms: number;
  readonly blocks: readonly string[];
}

export interface TestRun {
  readonly isPassed: boolean;
  readonly ms: number;
  /** What the first failure said, and in which file and test it was; no test for what is outside all. */
  readonly failed: string | undefined;
  readonly file: string | undefined;
  readonly test: string | undefined;
  /** The names of all tests that failed. */
  readonly failures: readonly string[];
  readonly parts: readonly Part[];
  /** Whether it, or a test in it, was ended since it took too long. */
  readonly isTimeout: boolean;
}

/** What warm-process.mjs tells. */
interface Result {
  readonly output: string;
  readonly parts: readonly Part[];
  readonly passed: number;
  readonly total: number;
  readonly failed?: { readonly kind: string; readonly what: string; readonly test: string; readonly index: number };
}

/** What tests say of a call or a condition that they have waited for in vain. */
const tookTooLong = /deadline|DEADLINE_EXCEEDED|waited in vain/i;
/** Each run leaves its modules behind in the process that it was made in. */
const runsOfProcess = 60;

/** How long a run may take, and each of its tests, in milliseconds. */
export interface Limits {
  readonly runMs: number;
  readonly testMs: number;
}

export interface TestRunner {
  /**
   * Runs tests until the first failure. What takes longer than its limit has failed. With `hits`, runs all, tells which blocks they enter,
   * and has the programs that they start note theirs in that file.
   */
  run(chosen: readonly Chosen[], limits: Limits, options?: { readonly hits?: string }): Promise<TestRun>;
  /** The next run is made in a process that no other has left anything in. */
  startAnew(): void;
}

/** Runs tests in a folder, in a process that has the packages loaded. */
export function createTestRunner(folder: string): TestRunner {
  let program: ChildProcess | undefined;
  let runs = 0;

  return { run, startAnew };

  async function run(
    chosen: readonly Chosen[],
    { runMs, testMs }: Limits,
    { hits }: { readonly hits?: string } = {},
  ): Promise<TestRun> {
    const startedAt = performance.now();
    if (runs % runsOfProcess === 0) {
      startAnew();
    }
    const files = chosen.map(({ file }) => file);
    // Stacks name the test, as they do where it is run by itself.
    const names = files.map((file) => basename(file, ".ts")).join("+");
    const bundle = join(folder, `${runs++}-${names.slice(0, 200)}.mjs`);
    let result: Result | "late" | undefined;
    try {
      await bundleTests(folder, files, bundle);
      program ??= await startProcess(folder);
      program.send({ bundle, chosen, isMeasured: hits !== undefined, env: environmentOf(testMs, hits) });
      result = await answerOf(program, runMs);
    } catch (error) {
      // A slip that cannot be compiled.
      result = {
        output: "",
        parts: [],
        passed: 0,
        total: 0,
        failed: { kind: "FAIL", what: `${error}`, test: "", index: 0 },
      };
    } finally {
      await rm(bundle, { force: true });
    }
    if (program?.exitCode !== null || result === "late" || result === undefined) {
      startAnew();
    }
    const ms = performance.now() - startedAt;
    const told = typeof result === "object" ? result : undefined;
    const failed = told === undefined ? "it broke off" : told.failed?.what.slice(0, 300);
    return {
      isPassed: told !== undefined && told.failed === undefined && told.passed === told.total && told.total > 0,
      ms,
      failed,
      file: files[told?.failed?.index ?? 0],
      test: told?.failed?.test || undefined,
      failures: [...(told?.output ?? "").matchAll(/ FAIL {2}(.+?) {2}"(.*?)": /g)].map(
        ([, suite, title]) => `${suite}: ${title}`,
      ),
      parts: told?.parts ?? [],
      isTimeout: result === "late" || told?.failed?.kind === "HANGS" || tookTooLong.test(failed ?? ""),
    };
  }

  function startAnew(): void {
    try {
      process.kill(-(program?.pid as number), "SIGKILL");
    } catch {
      // There is none, or it has ended by itself.
    }
    program = undefined;
  }
}

async function startProcess(folder: string): Promise<ChildProcess> {
  const program = startProgram(process.execPath, [fileURLToPath(new URL("warm-process.mjs", import.meta.url))], {
    cwd: folder,
    env: {
      ...process.env,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      AWS_EC2_METADATA_DISABLED: "true",
      DYNAKV_TEST_TELL_AT_ONCE: "1",
      TMPDIR: join(folder, "tmp"),
    },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  await once(program, "message");
  return program;
}

function environmentOf(testMs: number, hits: string | undefined): NodeJS.ProcessEnv {
  const own = process.env.NODE_OPTIONS ?? "";
  return {
    DYNAKV_TEST_LIMIT_MS: String(testMs),
    NODE_OPTIONS:
      hits === undefined
        ? own
        : `${own} --import ${new URL(`record-hits.mjs?to=${encodeURIComponent(hits)}`, import.meta.url).href}`,
  };
}

/** Undefined when it ends without one. */
async function answerOf(program: ChildProcess, limitMs: number): Promise<Result | "late" | undefined> {
  return await new Promise((resolve) => {
    const timer = setTimeout(() => settle("late"), limitMs);
    const onMessage = (result: Result) => settle(result);
    const onExit = () => settle(undefined);
    program.on("message", onMessage).on("exit", onExit);
    function settle(result: Result | "late" | undefined): void {
      clearTimeout(timer);
      program.off("message", onMessage).off("exit", onExit);
      resolve(result);
    }
  });
}
