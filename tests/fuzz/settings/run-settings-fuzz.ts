import { inspect } from "node:util";
import fc, { type GeneratorValue } from "fast-check";
import type { Random } from "../../../server/test/support/random.js";
import { createFindings } from "../run/findings.js";
import { type ConfigurationKind, configurationKinds } from "./configuration-kinds.js";

export interface SettingsFuzzOptions {
  readonly seed: number;
  readonly inputs: number;
  readonly print: (text: string) => void;
}

export interface SettingsFuzzReport {
  /** Inputs by kind. */
  readonly kinds: ReadonlyMap<string, number>;
  readonly refused: number;
  readonly accepted: number;
  readonly findings: ReadonlyMap<string, number>;
}

/**
 * Draws configurations and has them read. Each must be accepted, or refused by a typed error of one line; neither that line nor
 * a warning may hold a secret of the input. fast-check draws them, so that what is found is the smallest input of its like.
 */
export function runSettingsFuzz({ seed, inputs, print }: SettingsFuzzOptions): SettingsFuzzReport {
  const findings = createFindings(print);
  const kinds = new Map<string, number>();
  let refused = 0;
  for (const kind of configurationKinds) {
    const numRuns = Math.ceil(inputs / configurationKinds.length);
    const property = fc.property(fc.gen(), (draw) => {
      refused += tryOne(kind, randomOf(draw)) ? 1 : 0;
    });
    const { failed, errorInstance, numRuns: ran } = fc.check(property, { seed, numRuns });
    kinds.set(kind.name, ran);
    if (failed) {
      const problem = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
      findings.add(`${kind.name}: ${problem} (again: npm run fuzz -- --seed ${seed} --only settings)`);
    }
  }
  const all = [...kinds.values()].reduce((sum, count) => sum + count, 0);
  return { kinds, refused, accepted: all - refused, findings: findings.list };
}

/** fast-check's draws, which it can make smaller: earlier choices, lower numbers, fewer odd cases. */
function randomOf(draw: GeneratorValue): Random {
  const below = (bound: number) => (bound > 1 ? draw(fc.nat, bound - 1) : 0);
  const number = () => below(2 ** 31 - 1) / (2 ** 31 - 1);
  return {
    number,
    below,
    // Zero, to which draws shrink, is the ordinary case.
    chance: (probability) => 1 - number() <= probability,
    pick(from) {
      if (from.length === 0) {
        throw new RangeError("there is nothing to pick from");
      }
      return from[below(from.length)] as (typeof from)[number];
    },
    weighted() {
      throw new Error("no configuration is drawn by weights");
    },
  };
}

/** Returns true if it was refused. Throws what must not have happened. */
function tryOne(kind: ConfigurationKind, random: Random): boolean {
  const { read, secrets, input } = kind.draw(random);
  const fail = (problem: string) => new Error(`${problem}; the input was ${inspect(input, { depth: 5 })}`);
  let messages: readonly string[];
  let isRefused = false;
  try {
    messages = read();
  } catch (error) {
    if (!(error instanceof kind.refusal)) {
      throw fail(`threw ${error instanceof Error ? error.stack : error}`);
    }
    isRefused = true;
    messages = [error.message];
  }
  for (const message of messages) {
    if (message === "" || /[\p{Cc}\u2028\u2029]/u.test(message)) {
      throw fail(`says what is not one line of text: ${JSON.stringify(message)}`);
    }
    if (secrets.some((secret) => message.includes(secret))) {
      throw fail(`tells a secret: ${message}`);
    }
  }
  return isRefused;
}
