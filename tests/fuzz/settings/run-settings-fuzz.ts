import { createRandom } from "../../../server/test/support/random.js";
import { createFindings } from "../run/findings.js";
import { type ConfigurationKind, configurationKinds } from "./configuration-kinds.js";

export interface SettingsFuzzOptions {
  readonly seed: number;
  readonly from: number;
  readonly inputs: number;
  readonly print: (text: string) => void;
}

export interface SettingsFuzzReport {
  /** How many inputs there were of each kind. */
  readonly kinds: ReadonlyMap<string, number>;
  /** How many were refused, and how many accepted. */
  readonly refused: number;
  readonly accepted: number;
  readonly findings: ReadonlyMap<string, number>;
}

/**
 * Draws configurations and has them read. Each must be accepted, or refused by a typed error of one line; neither that line nor
 * a warning may hold a secret of the input.
 */
export function runSettingsFuzz({ seed, from, inputs, print }: SettingsFuzzOptions): SettingsFuzzReport {
  const findings = createFindings(print);
  const kinds = new Map<string, number>();
  let refused = 0;
  for (let number = from; number < from + inputs; number++) {
    const random = createRandom(seed, number, "settings");
    const kind = random.pick(configurationKinds);
    kinds.set(kind.name, (kinds.get(kind.name) ?? 0) + 1);
    const { isRefused, problem } = tryOne(kind, random);
    refused += isRefused ? 1 : 0;
    if (problem !== undefined) {
      findings.add(
        `${kind.name}: ${problem} (again: npm run fuzz -- --seed ${seed} --input ${number} --only settings)`,
      );
    }
  }
  return { kinds, refused, accepted: inputs - refused, findings: findings.list };
}

function tryOne(kind: ConfigurationKind, random: ReturnType<typeof createRandom>) {
  const { read, secrets } = kind.draw(random);
  let messages: readonly string[];
  let isRefused = false;
  try {
    messages = read();
  } catch (error) {
    if (!(error instanceof kind.refusal)) {
      return { isRefused: true, problem: `threw ${error instanceof Error ? error.stack : error}` };
    }
    isRefused = true;
    messages = [error.message];
  }
  for (const message of messages) {
    if (message === "" || /[\p{Cc}\u2028\u2029]/u.test(message)) {
      return { isRefused, problem: `says what is not one line of text: ${JSON.stringify(message)}` };
    }
    if (secrets.some((secret) => message.includes(secret))) {
      return { isRefused, problem: `tells a secret: ${message}` };
    }
  }
  return { isRefused, problem: undefined };
}
