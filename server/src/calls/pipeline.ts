import { abortError } from "../errors/dynakv-error.js";
import type { Call } from "./call.js";

/**
 * One of the things that stand between the head of a call and its body: who calls, whether there is room, what is counted.
 * It throws, or rejects with, a DynakvError to refuse the call, and asks by `call.onEnd` to be told of its end.
 *
 * It returns no promise when it need not wait: most calls pass in one go, and a promise for each would cost them more than the gate.
 */
export type GateStage = (call: Call) => void | Promise<void>;

/** Lets a call in before any of its body is read, or throws why it does not. */
export type CallGate = GateStage;

/** A gate of stages, asked in their order. Those that were asked before one refuses hear of the call's end all the same. */
export function createCallGate(stages: readonly GateStage[]): CallGate {
  function enter(call: Call, from: number): void | Promise<void> {
    for (let index = from; index < stages.length; index++) {
      const waiting = stages[index]?.(call);
      if (waiting !== undefined) {
        return waiting.then(() => {
          if (call.ended) {
            // Its client has left meanwhile: what the next stages gave it, it would never give back.
            throw abortError(undefined);
          }
          return enter(call, index + 1);
        });
      }
    }
  }
  return (call) => enter(call, 0);
}

/** Passes a call through the gate, and then calls one of the two: at once if the gate need not wait. */
export function passGate(gate: CallGate, call: Call, onEntered: () => void, onRefused: (error: unknown) => void): void {
  let waiting: void | Promise<void>;
  try {
    waiting = gate(call);
  } catch (error) {
    onRefused(error);
    return;
  }
  if (waiting === undefined) {
    onEntered();
  } else {
    waiting.then(onEntered, onRefused);
  }
}
