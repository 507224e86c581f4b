import { once } from "node:events";
import { join } from "node:path";
import { startProgram } from "../../tools/programs.js";

/** A test file, and which of its tests are run; unset: all. */
export interface Chosen {
  readonly file: string;
  readonly tests?: readonly string[] | undefined;
}

export interface TestRun {
  readonly isPassed: boolean;
  readonly ms: number;
  /** The first test that failed, and what it said. */
  readonly failed: string | undefined;
  /** The names of all tests that failed. */
  readonly failures: readonly string[];
  /** The file that it is in. */
  readonly file: string | undefined;
  /** Whether it, or a test in it, was ended since it took too long. */
  readonly isTimeout: boolean;
}

/** What tests say of a call or a condition that they have waited for in vain. */
const tookTooLong = /deadline|DEADLINE_EXCEEDED|waited in vain/i;
/** How long one test may take, as a machine that is busy with others has it. */
const limitOfTestMs = 30_000;

/** Runs tests in a folder until the first failure. What takes longer than the limit has failed. */
export async function runTests(
  folder: string,
  chosen: readonly Chosen[],
  limitMs: number,
  { hits }: { readonly hits?: string } = {},
): Promise<TestRun> {
  const startedAt = performance.now();
  const record =
    hits === undefined ? [] : [new URL(`record-hits.mjs?to=${encodeURIComponent(hits)}`, import.meta.url).href];
  const options = [process.env.NODE_OPTIONS ?? "", ...record.map((url) => `--import ${url}`)].join(" ");
  const program = startProgram(
    process.execPath,
    [
      "--import",
      "tsx",
      "tests/mutants/run-files.mjs",
      JSON.stringify(chosen),
      ...(hits === undefined ? [] : ["--hits", hits]),
    ],
    {
      cwd: folder,
      env: {
        ...process.env,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
        AWS_EC2_METADATA_DISABLED: "true",
        DYNAKV_TEST_TELL_AT_ONCE: "1",
        DYNAKV_TEST_LIMIT_MS: String(hits === undefined ? limitOfTestMs : limitMs),
        NODE_OPTIONS: options,
        TMPDIR: join(folder, "tmp"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const end = () => {
    try {
      process.kill(-(program.pid as number), "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  let output = "";
  for (const stream of [program.stdout, program.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      // The first failure is enough.
      if (hits === undefined && / (FAIL|HANGS) {2}.*\n/.test(text)) {
        end();
      }
    });
  }
  let isTimeout = false;
  const timer = setTimeout(() => {
    isTimeout = true;
    end();
  }, limitMs);
  const [code] = (await once(program, "close")) as [number | null];
  clearTimeout(timer);
  const failed = / (?:FAIL|HANGS) {2}(.*)/.exec(output)?.[1]?.slice(0, 300);
  isTimeout ||= (!/ FAIL {2}/.test(output) && / HANGS {2}/.test(output)) || tookTooLong.test(failed ?? "");
  const isPassed = code === 0 && failed === undefined && /Passed:/.test(output);
  // uvu tells each file as it comes to it.
  const file = isPassed ? undefined : chosen.map((each) => each.file).findLast((each) => output.includes(each));
  const failures = [...output.matchAll(/ FAIL {2}(.+?) {2}"(.*?)": /g)].map(([, suite, title]) => `${suite}: ${title}`);
  return { isPassed, ms: performance.now() - startedAt, failed, failures, file, isTimeout };
}
