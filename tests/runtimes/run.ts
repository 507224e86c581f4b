import { once } from "node:events";
import { createInterface } from "node:readline";
import { startProgram, stopProgram } from "../../tools/programs.js";

const limitMs = 300_000;

export interface RunOptions {
  readonly environment?: NodeJS.ProcessEnv;
}

/** Runs a program to its end, and returns all that it has printed. Rejects with that when it fails. */
export async function run(
  cwd: string,
  [file = "", ...args]: readonly string[],
  { environment = {} }: RunOptions = {},
): Promise<string> {
  const env = { ...process.env, NO_COLOR: "1", ...environment };
  const program = startProgram(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [program.stdout, program.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const limit = setTimeout(() => void stopProgram(program), limitMs);
  const [code] = (await once(program, "close").finally(() => clearTimeout(limit))) as [number | null];
  if (code !== 0) {
    throw new Error(`${[file, ...args].join(" ")} ended with ${code}\n${output}`);
  }
  return output;
}

/** Runs a program that serves while `use` runs, which begins when it prints `ready`. */
export async function whileServing<T>(
  cwd: string,
  [file = "", ...args]: readonly string[],
  ready: RegExp,
  use: (printed: RegExpExecArray) => Promise<T>,
): Promise<T> {
  const program = startProgram(file, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
  const limit = setTimeout(() => void stopProgram(program), limitMs);
  try {
    if (program.stdout !== null) {
      for await (const line of createInterface({ input: program.stdout })) {
        const printed = ready.exec(line);
        if (printed !== null) {
          program.stdout.resume();
          return await use(printed);
        }
      }
    }
    throw new Error(`${file} ended and never printed ${ready}`);
  } finally {
    clearTimeout(limit);
    await stopProgram(program);
  }
}
