import { once } from "node:events";
import { startProgram, stopProgram } from "./programs.js";
import { root } from "./root.js";
import { testFolders } from "./test-files.js";

export interface UvuRun {
  readonly output: string;
  readonly passed: number;
  readonly failed: number;
}

export interface UvuOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Takes the output as it comes. */
  readonly onOutput?: (text: string, stream: "stdout" | "stderr") => void;
  /** How long the run may take; unset: as long as it does. */
  readonly limitMs?: number;
}

/**
 * All but the folders of tests, which uvu would look through as well: builds and Python's tools write there meanwhile, and it ends
 * when a file goes that it has just seen.
 */
const kept = testFolders.map((folder) => folder.split("/").reduceRight((below, part) => `${part}(/${below})?`, ".*"));
const elsewhere = `^(?!(${kept.join("|")})$)`;

/**
 * Runs the test files whose path matches the pattern. uvu ends with 0 also when a suite stopped short: here every test that
 * was counted must have passed, and a run that counted none has failed.
 */
export async function runUvu(pattern: string, options: UvuOptions = {}): Promise<UvuRun> {
  const { environment = process.env, onOutput, limitMs } = options;
  const args = ["--import", "tsx", "node_modules/uvu/bin.js", ".", pattern, "-i", elsewhere];
  const runner = startProgram(process.execPath, args, {
    cwd: root,
    env: {
      ...environment,
      // The SDK's notice about versions of 2027 would stand above every run on Node 20.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      // No test may ask an instance's metadata for credentials.
      AWS_EC2_METADATA_DISABLED: "true",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of ["stdout", "stderr"] as const) {
    runner[stream]?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      onOutput?.(text, stream);
    });
  }
  const limit =
    limitMs === undefined
      ? undefined
      : setTimeout(() => {
          output += `\nstopped after ${limitMs / 1000} s\n`;
          void stopProgram(runner);
        }, limitMs);
  const [code] = (await once(runner, "close")) as [number | null];
  clearTimeout(limit);

  const total = readCount(output, "Total");
  const passed = readCount(output, "Passed");
  // A run that broke off has counted nothing, or not all.
  const failed = Math.max(total - passed, code === 0 && total > 0 ? 0 : 1);
  return { output, passed, failed };
}

function readCount(output: string, name: string): number {
  const colors = "(?:\\u001b\\[\\d+m)*";
  return Number(new RegExp(`${name}:\\s*${colors}\\s*(\\d+)`).exec(output)?.[1] ?? 0);
}
