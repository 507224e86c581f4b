import { once } from "node:events";
import { text } from "node:stream/consumers";
import { startProgram } from "../../tools/programs.js";
import type { Json } from "./json.js";

export interface Printed {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end with text on its standard input. */
export async function runCommand(
  file: string,
  args: readonly string[],
  { input = "", ...where }: { input?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Printed> {
  const program = startProgram(file, args, { ...where, stdio: ["pipe", "pipe", "pipe"] });
  const { stdin, stdout, stderr } = program;
  if (stdin === null || stdout === null || stderr === null) {
    throw new Error("a program without pipes");
  }
  // One that ends before it has read all says why in another way.
  stdin.on("error", () => {});
  stdin.end(input);
  const [out, errors, [code]] = await Promise.all([text(stdout), text(stderr), once(program, "close")]);
  return { code: code as number | null, stdout: out, stderr: errors };
}

/** Reads values of JSON that stand one after another, each beginning on a line of its own with a brace that opens it. */
export function parseJsonSequence(printed: string): Json[] {
  return printed
    .split(/\n(?=\{)/)
    .filter((each) => each.trim() !== "")
    .map((each) => JSON.parse(each) as Json);
}
