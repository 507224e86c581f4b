import { createHash } from "node:crypto";

/** A stream of random numbers that a seed determines. */
export interface Random {
  /** From 0 up to, not including, 1. */
  number(): number;
  /** A whole number from 0 up to, not including, the bound. */
  below(bound: number): number;
  chance(probability: number): boolean;
  /** One of them; there must be at least one. */
  pick<T>(from: readonly T[]): T;
  /** One of the names, by their weights. */
  weighted<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>): Name;
}

/** A stream for each list of parts, such as a seed and a name. */
export function createRandom(...parts: readonly (string | number)[]): Random {
  // mulberry32: small, fast, and even enough to draw operations with.
  let state = createHash("sha256").update(parts.join(" ")).digest().readUInt32BE(0);
  function number(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (bound: number) => Math.floor(number() * bound);
  return {
    number,
    below,
    chance: (probability) => number() < probability,
    pick(from) {
      if (from.length === 0) {
        throw new RangeError("there is nothing to pick from");
      }
      return from[below(from.length)] as (typeof from)[number];
    },
    weighted<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>) {
      const entries = Object.entries(weights) as [Name, number][];
      let left = number() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        left -= weight;
        if (left < 0) {
          return name;
        }
      }
      return entries.at(-1)?.[0] as Name;
    },
  };
}
