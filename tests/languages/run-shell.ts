import { once } from "node:events";
import { text } from "node:stream/consumers";
import { startProgram } from "../../tools/programs.js";

/** Runs commands of the shell, up to the first that fails. */
export async function runShell(script: string, folder: string, environment: NodeJS.ProcessEnv) {
  const program = startProgram("bash", ["-euc", script], {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { stdout, stderr } = program;
  if (stdout === null || stderr === null) {
    throw new Error("a program without pipes");
  }
  const [out, errors, [code]] = await Promise.all([text(stdout), text(stderr), once(program, "close")]);
  return { code: code as number | null, stdout: out, stderr: errors };
}
