import { once } from "node:events";
import { startProgram, stopProgram } from "../../tools/programs.js";

export interface TestRun {
  readonly isPassed: boolean;
  readonly ms: number;
  /** The first test that failed. */
  readonly failed: string | undefined;
  /** The file that it is in. */
  readonly file: string | undefined;
  /** Whether it, or a test in it, was ended since it took too long. */
  readonly isTimeout: boolean;
}

/** What tests say of a call or a condition that they have waited for in vain. */
const tookTooLong = /deadline|DEADLINE_EXCEEDED|waited in vain/i;

/** Runs test files in a folder until the first failure. What takes longer than the limit has failed. */
export async function runTests(
  folder: string,
  files: readonly string[],
  limitMs: number,
  env: NodeJS.ProcessEnv = {},
): Promise<TestRun> {
  const startedAt = performance.now();
  const program = startProgram(process.execPath, ["--import", "tsx", "tests/mutants/run-files.mjs", ...files], {
    cwd: folder,
    env: {
      ...process.env,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      AWS_EC2_METADATA_DISABLED: "true",
      DYNAKV_TEST_TELL_AT_ONCE: "1",
      DYNAKV_TEST_LIMIT_MS: "150000",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [program.stdout, program.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      // The first failure is enough.
      if (/ (FAIL|HANGS) {2}/.test(text)) {
        setTimeout(() => void stopProgram(program), 100);
      }
    });
  }
  let isTimeout = false;
  const timer = setTimeout(() => {
    isTimeout = true;
    void stopProgram(program);
  }, limitMs);
  const [code] = (await once(program, "close")) as [number | null];
  clearTimeout(timer);
  const failed = / (?:FAIL|HANGS) {2}(.*)/.exec(output)?.[1]?.slice(0, 300);
  isTimeout ||= (!/ FAIL {2}/.test(output) && / HANGS {2}/.test(output)) || tookTooLong.test(failed ?? "");
  const isPassed = code === 0 && failed === undefined && /Passed:/.test(output);
  // uvu tells each file as it comes to it.
  const file = isPassed ? undefined : files.findLast((each) => output.includes(each));
  return { isPassed, ms: performance.now() - startedAt, failed, file, isTimeout };
}
