import { createRandom } from "../../../server/test/support/random.js";
import { growthOf, heldBytes, megabytes, type Sample } from "../../../tools/process-monitor/trend.js";
import type { Target } from "../targets.js";
import { type AttackedServers, startAttackedServers } from "./attacked-servers.js";
import { createFindings } from "./findings.js";
import { callAfresh, startOrdinaryCaller } from "./ordinary-caller.js";
import { sendInput } from "./send-input.js";

export interface FuzzOptions {
  readonly seed: number;
  /** The number of the first input, and how many there are. */
  readonly from: number;
  readonly inputs: number;
  /** The kind to draw from; the default is all. */
  readonly only?: string | undefined;
  readonly print: (text: string) => void;
}

export interface FuzzReport {
  /** How many inputs of each kind were sent, by the name of the port and the kind. */
  readonly sent: ReadonlyMap<string, number>;
  readonly ordinaryCalls: number;
  /** After each round, once all connections were gone. */
  readonly samples: readonly Sample[];
  readonly seconds: number;
  /** What was found, with how often it was. Empty when all went well. */
  readonly findings: ReadonlyMap<string, number>;
}

/** How many inputs are in flight at any time. */
const concurrency = 32;
const rounds = 12;
/** Under so many inputs, one round is enough: at the end of each, half-open connections are waited for. */
const inputsForRounds = 500;
/** After which the memory of a server should have reached what it needs. */
const warmRounds = 4;
/** What may be left, in bytes: the samples of a server that stays as it is differ by less. */
const allowedHeldGrowth = 6_000_000;
const allowedRssGrowth = 60_000_000;
/** Under this number of inputs, growth is only that of caches and compiled code. */
const inputsForMemory = 5000;

/** Sends inputs to every port of servers, with an ordinary caller beside them. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { inputs, print } = options;
  const startedAt = performance.now();
  const findings = createFindings(print);
  const servers = await startAttackedServers(findings.add);
  const caller = startOrdinaryCaller(servers.url, findings.add);
  const samples: Sample[] = [];
  const sent = new Map<string, number>();
  try {
    const size = Math.ceil(inputs / (inputs < inputsForRounds ? 1 : rounds));
    for (let first = 0; first < inputs; first += size) {
      await sendRound(options, servers, first, Math.min(size, inputs - first), sent, findings.add);
      servers.checkAlive();
      await callAfresh(servers.url).catch((error: unknown) => findings.add(`a fresh call was not answered: ${error}`));
      // The ordinary caller has one.
      await servers.settle(1);
      const sample = { at: first + size, ...(await servers.gauge()) };
      samples.push(sample);
      print(
        `${sample.at} inputs: ${megabytes(heldBytes(sample))} MB held, ${megabytes(sample.rssBytes)} MB resident\n`,
      );
    }
    await caller.stop();
    await servers.settle(0);
    checkGrowth(samples.slice(warmRounds), inputs, findings.add);
  } catch (error) {
    findings.add(`the run broke off: ${error}`);
    await caller.stop();
  }
  await servers.stop();
  const seconds = (performance.now() - startedAt) / 1000;
  return { sent, ordinaryCalls: caller.calls, samples, seconds, findings: findings.list };
}

async function sendRound(
  options: FuzzOptions,
  servers: AttackedServers,
  first: number,
  count: number,
  sent: Map<string, number>,
  onProblem: (problem: string) => void,
): Promise<void> {
  const { seed, from, only } = options;
  let next = first;
  const work = async () => {
    while (next < first + count) {
      const number = from + next++;
      const { target, kind, input } = drawNumbered(servers.targets, seed, number, only);
      const name = `${target.name} ${kind.name}`;
      sent.set(name, (sent.get(name) ?? 0) + 1);
      const problem = await sendInput(target, input).catch((error: unknown) => `${error}`);
      if (problem !== undefined) {
        onProblem(`${name}: ${problem} (again: npm run fuzz -- --seed ${seed} --input ${number} --only ${kind.name})`);
      }
      servers.checkAlive();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

/** The input of a number, which depends on the seed, the number and its kind alone. */
function drawNumbered(targets: readonly Target[], seed: number, number: number, only: string | undefined) {
  const fitting = targets.filter(({ kinds }) => only === undefined || kinds.some(({ name }) => name === only));
  const choice = createRandom(seed, number);
  const name = choice.weighted(Object.fromEntries(fitting.map(({ name, share }) => [name, share])));
  const target = fitting.find((each) => each.name === name) as Target;
  const kind = choice.pick(target.kinds.filter(({ name }) => only === undefined || name === only));
  return { target, kind, input: kind.draw(createRandom(seed, number, kind.name)) };
}

function checkGrowth(samples: readonly Sample[], inputs: number, onProblem: (problem: string) => void): void {
  if (inputs < inputsForMemory) {
    return;
  }
  const held = growthOf(samples, heldBytes);
  const resident = growthOf(samples, ({ rssBytes }) => rssBytes);
  if (held > allowedHeldGrowth || resident > allowedRssGrowth) {
    onProblem(`memory grew by ${megabytes(held)} MB held and ${megabytes(resident)} MB resident after the warm-up`);
  }
}
