import type { EngineAddress } from "../../bench/load.js";
import { readyAddress, serverArguments, serverModule } from "../../bench/stack.js";
import { type BenchProcess, startProcess } from "../../tools/process-monitor/monitored-process.js";
import type { PhaseLoad, PhaseResult } from "./phase.js";

/** One phase, and what the server held meanwhile. */
export interface PhaseRun {
  /** How many times the load that the server can carry is offered. */
  readonly times: number;
  readonly result: PhaseResult;
  /** The share of a core that the server had. */
  readonly serverShare: number;
  readonly rssBytes: number;
}

/** All phases, one after another, on one server. */
export interface OverloadRun {
  readonly isAdaptive: boolean;
  readonly phases: readonly PhaseRun[];
}

export interface OverloadResult {
  /** What the server carries, in calls a second: as many as are answered when there is always a next one. */
  readonly capacity: number;
  /** What the calls had, in milliseconds. */
  readonly deadlineMs: number;
  readonly adaptive: OverloadRun;
  readonly off: OverloadRun;
}

/**
 * What is offered, one phase after another, in what the server can carry. The two that are compared take turns, since what a machine
 * gives to a process changes from one second to the next.
 */
export const timesOffered = [0.5, 1, ...Array.from({ length: 7 }, () => [2, 5]).flat(), 0.5];
/** Some times what a call takes beside as many others as are let in, where one core answers a hundred a second. */
export const usualDeadlineMs = 500;
/** Long enough that whoever waits is answered. */
const patientMs = 10_000;
const call = "mget";

export async function runOverload(phaseMs: number, deadlineMs = usualDeadlineMs): Promise<OverloadResult> {
  const started: BenchProcess[] = [];
  const start = (module: string, args: readonly string[] = []) => {
    const process = startProcess(module, args);
    started.push(process);
    return process;
  };
  try {
    const engine = start("bench/processes/endpoint.ts");
    const engineAddress = await engine.ask<EngineAddress>("start");
    const startServer = async (overload: "adaptive" | "off") => {
      const server = start(serverModule, [...serverArguments(engineAddress), "--overload", overload]);
      const caller = start("tests/overload/open-loop-process.ts");
      await caller.ask("start", await readyAddress(server));
      const patient = (milliseconds: number): PhaseLoad => ({
        call,
        rate: undefined,
        deadlineMs: patientMs,
        milliseconds,
      });
      // Compiles what is hot.
      await caller.ask("run", patient(phaseMs / 2));
      return { server, caller, patient };
    };
    const off = await startServer("off");
    const adaptive = await startServer("adaptive");
    const { good, seconds } = await off.caller.ask<PhaseResult>("run", off.patient(phaseMs / 2));
    const capacity = good / seconds;
    const runAll = async ({ server, caller }: typeof off, isAdaptive: boolean): Promise<OverloadRun> => {
      const phases: PhaseRun[] = [];
      for (const times of timesOffered) {
        phases.push(await runPhase(server, caller, { times, rate: times * capacity, deadlineMs, phaseMs }));
      }
      return { isAdaptive, phases };
    };
    return { capacity, deadlineMs, adaptive: await runAll(adaptive, true), off: await runAll(off, false) };
  } finally {
    // Who calls goes before who is called.
    for (const process of started.reverse()) {
      await process.stop();
    }
  }
}

async function runPhase(
  server: BenchProcess,
  caller: BenchProcess,
  given: { times: number; rate: number; deadlineMs: number; phaseMs: number },
): Promise<PhaseRun> {
  const { times, rate, deadlineMs, phaseMs } = given;
  await server.ask("watchMemory");
  const before = await server.usage();
  const load: PhaseLoad = { call, rate, deadlineMs, milliseconds: phaseMs };
  const result = await caller.ask<PhaseResult>("run", load);
  const after = await server.usage();
  return {
    times,
    result,
    serverShare: (after.cpu - before.cpu) / 1000 / phaseMs,
    rssBytes: after.peakRssBytes,
  };
}
