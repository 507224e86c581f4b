import type { Random } from "../../server/test/support/random.js";

/** What is done on one connection, in order. */
export type Step =
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  | { readonly kind: "pause"; readonly ms: number };

/** One hostile input: a connection of its own from beginning to end. */
export interface Input {
  readonly steps: readonly Step[];
  /** How the connection is left, once the server has had time to say something. */
  readonly leave: "end" | "half-close" | "reset";
  /** Whether it is a whole request as its protocol wants it, so that anything but an answer is a hang. */
  readonly mustAnswer?: boolean;
  /** Whether nothing is read of what comes back. */
  readonly deaf?: boolean;
}

/** A kind of hostile input. What it draws depends on the random numbers alone, so that an input can be had again. */
export interface InputKind {
  readonly name: string;
  /** What it consists of, for the report. */
  readonly what: string;
  draw(random: Random): Input;
}

export const send = (...parts: readonly (Uint8Array | string)[]): Step => ({
  kind: "send",
  bytes: Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part))),
});

export const pause = (ms: number): Step => ({ kind: "pause", ms });

const leaves = ["end", "half-close", "reset"] as const;

/** Bytes that nobody need answer, left in any way. */
export function drawInput(random: Random, ...steps: readonly Step[]): Input {
  return { steps, leave: random.pick(leaves), deaf: random.chance(0.05) };
}
