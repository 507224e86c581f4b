import { once } from "node:events";
import type { EngineAddress } from "../../bench/load.js";
import { readyAddress, serverArguments, serverModule } from "../../bench/stack.js";
import { type BenchProcess, startProcess } from "../../tools/process-monitor/monitored-process.js";
import type { Ends } from "./attacker-process.js";
import type { Attack } from "./attacks.js";
import type { Gets } from "./gets-process.js";
import { createMemoryLimit } from "./memory-limit.js";
import type { Watched } from "./watch.js";

/** What came of one attack on a server of its own. */
export interface AttackResult {
  /** How the server has ended by itself; undefined when it was alive at the end. */
  readonly death: string | undefined;
  /** As far as it has lived. */
  readonly rounds: readonly Round[];
  readonly ends: Ends;
  readonly limitedBy: "cgroup" | "heap";
}

/** The attack for a while, and the ordinary caller alone before and after it. */
export interface Round {
  readonly alone: Stretch;
  readonly beside: Stretch;
  /** What the Gets beside the attack had of their rate alone: of the mean of before and after, since a machine changes its pace. */
  readonly share: number;
}

/** The ordinary caller and the server for a while. */
interface Stretch {
  readonly gets: Gets;
  readonly watched: Watched;
  /** Processor time of engine and caller, and of the attacker, in cores. */
  readonly others: number;
  readonly attacker: number;
}

export const rounds = 3;
/** How long the Gets are measured alone, how long what is hot is compiled before, and how long an attack is forgotten, in milliseconds. */
const aloneMs = 2500;
const warmUpMs = 2000;
const settleMs = 1500;

export async function runAttack(attack: Attack, megabytes: number, attackMs: number): Promise<AttackResult> {
  const limit = createMemoryLimit(megabytes);
  const started: BenchProcess[] = [];
  const start = (...given: Parameters<typeof startProcess>) => {
    const process = startProcess(...given);
    started.push(process);
    return process;
  };
  try {
    const engine = start("tests/attacks/endpoint-process.ts");
    const server = start(serverModule, serverArguments(await engine.ask<EngineAddress>("start")), {
      preload: new URL("watch.ts", import.meta.url),
      nodeFlags: limit.nodeFlags,
      prelude: limit.prelude,
    });
    let death: string | undefined;
    const died = once(server.child, "close").then(([code, signal]: unknown[]) => {
      death = signal === null ? `code ${code}` : String(signal);
    });
    const url = await readyAddress(server);
    const caller = start("tests/attacks/gets-process.ts");
    const attacker = start("tests/attacks/attacker-process.ts");
    await caller.ask("start", url);
    await caller.ask("run", warmUpMs);

    async function measure(milliseconds: number): Promise<Stretch> {
      const spent = async () => {
        const [ofEngine, ofCaller, ofAttacker] = await Promise.all(
          [engine, caller, attacker].map((each) => each.usage()),
        );
        return { others: (ofEngine?.cpu ?? 0) + (ofCaller?.cpu ?? 0), attacker: ofAttacker?.cpu ?? 0 };
      };
      const before = await spent();
      await server.ask<Watched>("watched");
      const gets = await caller.ask<Gets>("run", milliseconds);
      const watched = await server.ask<Watched>("watched");
      const after = await spent();
      const cores = (from: number, to: number) => (to - from) / 1000 / milliseconds;
      return {
        gets,
        watched,
        others: cores(before.others, after.others),
        attacker: cores(before.attacker, after.attacker),
      };
    }

    const done: Round[] = [];
    const attackInRounds = async () => {
      let alone = await measure(aloneMs);
      for (let round = 0; round < rounds; round++) {
        await attacker.ask("attack", { url, name: attack.name });
        const beside = await measure(attackMs / rounds);
        await attacker.ask("stop");
        await new Promise((resolve) => setTimeout(resolve, settleMs));
        const after = await measure(aloneMs);
        const rate = (alone.gets.perSecond + after.gets.perSecond) / 2;
        done.push({ alone, beside, share: beside.gets.perSecond / rate });
        alone = after;
      }
    };
    // Asking fails when the server has ended.
    await Promise.race([attackInRounds(), died]).catch(async (error) => {
      await new Promise((resolve) => setTimeout(resolve, settleMs));
      if (death === undefined) {
        throw error;
      }
    });
    return { death, rounds: done, ends: await attacker.ask<Ends>("stop"), limitedBy: limit.kind };
  } finally {
    for (const process of started.reverse()) {
      await process.stop();
    }
    limit.remove();
  }
}
