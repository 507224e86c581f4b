import { once } from "node:events";
import { createInterface } from "node:readline";
import { startProgram, stopProgram } from "../../tools/programs.js";
import { root } from "../../tools/root.js";
import type { Json, JsonObject } from "./json.js";

/** A program that answers each line of JSON on its standard input with a line of JSON, `{"answer"}` or `{"error"}`. */
export interface JsonProgram {
  ask(question: JsonObject): Promise<Json>;
  stop(): Promise<void>;
}

export function startJsonProgram(
  file: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): JsonProgram {
  const program = startProgram(file, args, { cwd: root, env: environment, stdio: ["pipe", "pipe", "pipe"] });
  const { stdin, stdout, stderr } = program;
  if (stdin === null || stdout === null || stderr === null) {
    throw new Error("a program without pipes");
  }
  let printed = "";
  stderr.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  stdin.on("error", () => {});
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const failed = once(program, "error").then(([error]) => Promise.reject(error));
  failed.catch(() => {});

  async function ask(question: JsonObject): Promise<Json> {
    stdin?.write(`${JSON.stringify(question)}\n`);
    const line = await Promise.race([lines.next(), failed]);
    if (line.done) {
      throw new Error(`${args[0]} has ended: ${printed}`);
    }
    const { answer, error } = JSON.parse(line.value) as { answer?: Json; error?: string };
    if (answer === undefined) {
      throw new Error(error);
    }
    return answer;
  }

  // One question at a time: answers carry no number.
  let last: Promise<unknown> = Promise.resolve();
  return {
    ask(question) {
      const answer = last.then(() => ask(question));
      last = answer.catch(() => {});
      return answer;
    },
    stop: () => stopProgram(program),
  };
}
