import { once } from "node:events";
import { startProgram, stopProgram } from "../programs.js";
import { root } from "../root.js";

export interface Step {
  readonly name: string;
  /** Words with a space between them; no shell reads it. */
  readonly command: string;
  /**
   * How many steps may run beside it; by default as many as there are slots. Some write what others read, and of others the time
   * matters.
   */
  readonly beside?: number;
  /** Whether exit code 2 says that something could not be set up here, such as Go, which is no failure of dynakv. */
  readonly mayBeMissing?: boolean;
}

export interface Outcome {
  readonly step: Step;
  readonly state: "passed" | "failed" | "not tested";
  /** The tests that it has counted itself, in a last line `N passed, N failed`. */
  readonly tests: { readonly passed: number; readonly failed: number };
  readonly seconds: number;
  /** Whether it failed beside other steps, and passed when it was run again by itself. */
  readonly isUnsteady: boolean;
}

export interface RunOptions {
  /** How many steps may run side by side. */
  readonly slots: number;
  /** How long a step may take: what hangs has failed, and must not keep the rest from being told. */
  readonly stepLimitMs: number;
  /** How long all may take; steps that have not ended by then have failed. */
  readonly limitMs: number;
  readonly write: (text: string) => void;
}

/**
 * Runs steps in their order, as many side by side as may be. The output of each is kept together: of one that runs alone
 * it is written as it comes, of others when they have ended.
 *
 * What fails beside others is run once more when all have ended, by itself: software that is not ours, such as an engine or a browser,
 * may not keep up on a machine that does three things at once. Both outputs are written, and the outcome says that it took two runs.
 */
export async function runSteps(steps: readonly Step[], options: RunOptions): Promise<Outcome[]> {
  const giveUpAt = performance.now() + options.limitMs;
  const first: Promise<Outcome>[] = [];
  const running = new Map<Step, Promise<unknown>>();
  const mayBegin = (step: Step) =>
    [step, ...running.keys()].every(({ beside = Infinity }) => running.size <= Math.min(beside, options.slots - 1));
  for (const step of steps) {
    while (!mayBegin(step)) {
      await Promise.race(running.values());
    }
    const limitMs = Math.min(options.stepLimitMs, giveUpAt - performance.now());
    const outcome = runStep(step, limitMs, options.write);
    first.push(outcome);
    running.set(
      step,
      outcome.finally(() => running.delete(step)),
    );
  }
  const outcomes: Outcome[] = [];
  for (const outcome of await Promise.all(first)) {
    const { step, state } = outcome;
    const isWorthAgain = state === "failed" && step.beside !== 0;
    outcomes.push(isWorthAgain ? await runAgain(outcome, giveUpAt, options) : outcome);
  }
  return outcomes;
}

async function runAgain({ step, seconds }: Outcome, giveUpAt: number, options: RunOptions): Promise<Outcome> {
  options.write(`== ${step.name}: once more, by itself\n`);
  const limitMs = Math.min(options.stepLimitMs, giveUpAt - performance.now());
  const second = await runStep({ ...step, beside: 0 }, limitMs, options.write);
  return { ...second, step, seconds: seconds + second.seconds, isUnsteady: second.state === "passed" };
}

async function runStep(step: Step, limitMs: number, write: (text: string) => void): Promise<Outcome> {
  const startedAt = performance.now();
  const isAlone = step.beside === 0;
  const title = `== ${step.name}: ${step.command}\n`;
  let output = "";
  const take = (text: string) => {
    output += text;
    if (isAlone) {
      write(text);
    }
  };
  if (isAlone) {
    write(title);
  }
  const code = await runCommand(step.command, limitMs, take);
  const state = code === 0 ? "passed" : code === 2 && step.mayBeMissing ? "not tested" : "failed";
  const seconds = (performance.now() - startedAt) / 1000;
  const end = `== ${step.name}: ${state.toUpperCase()} (${seconds.toFixed(1)} s)\n\n`;
  write(isAlone ? end : `${title}${output}${end}`);
  return { step, state, tests: countTests(output), seconds, isUnsteady: false };
}

async function runCommand(command: string, limitMs: number, take: (text: string) => void): Promise<number> {
  if (limitMs <= 0) {
    take("not started: there is no time left\n");
    return 1;
  }
  const [file = "", ...args] = command.split(" ");
  const program = startProgram(file, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [program.stdout, program.stderr]) {
    stream?.setEncoding("utf8").on("data", take);
  }
  const limit = setTimeout(() => {
    take(`\nstopped after ${Math.round(limitMs / 1000)} s\n`);
    void stopProgram(program);
  }, limitMs);
  try {
    const [code] = (await once(program, "close")) as [number | null];
    return code ?? 1;
  } catch (error) {
    take(`${(error as Error).message}\n`);
    return 1;
  } finally {
    clearTimeout(limit);
  }
}

function countTests(output: string): { passed: number; failed: number } {
  const [, passed = 0, failed = 0] = /(?:^|\n)(\d+) passed, (\d+) failed\s*$/.exec(output) ?? [];
  return { passed: Number(passed), failed: Number(failed) };
}
