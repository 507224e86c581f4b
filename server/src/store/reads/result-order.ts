import type { BatchAnswer } from "./batch-answer.js";
import { groupsOf, type ResultGroup } from "./result-group.js";

/** Results that wait until every earlier position is answered. */
export interface ResultOrder {
  add(answer: BatchAnswer): void;
  /** Hands out what is next in order. */
  take(): Generator<ResultGroup>;
  readonly bytes: number;
}

/** Overhead of a result, which bounds how many small ones wait. */
const resultBytes = 500;

export function createResultOrder(): ResultOrder {
  /** Results of successive positions, by the first. */
  const waiting = new Map<number, ResultGroup>();
  /** Of each answer how many runs wait. */
  const runsOf = new Map<BatchAnswer, number>();
  let next = 0;
  let bytes = 0;
  return {
    add(answer) {
      for (const group of groupsOf(answer)) {
        for (const run of group.runs()) {
          waiting.set(run.index(0), run);
          runsOf.set(answer, (runsOf.get(answer) ?? 0) + 1);
          bytes += sizeOf(run);
        }
      }
    },
    *take() {
      for (let run = waiting.get(next); run !== undefined; run = waiting.get(next)) {
        waiting.delete(next);
        next += run.length;
        bytes -= sizeOf(run);
        yield run;
        const left = (runsOf.get(run.answer) ?? 0) - 1;
        runsOf.set(run.answer, left);
        if (left === 0) {
          runsOf.delete(run.answer);
          run.answer.release();
        }
      }
    },
    get bytes() {
      return bytes;
    },
  };
}

function sizeOf(run: ResultGroup): number {
  let bytes = run.length * resultBytes;
  for (let nth = 0; nth < run.length; nth++) {
    bytes += run.valueBytes(nth);
  }
  return bytes;
}
