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
  readonly alone: Gets;
  /** The server meanwhile. */
  readonly before: Watched;
  /** Undefined when the server has died. */
  readonly beside: Gets | undefined;
  readonly watched: Watched | undefined;
  readonly ends: Ends;
  readonly limitedBy: "cgroup" | "heap";
}

/** How long the Gets are measured alone, and how long what is hot is compiled before, in milliseconds. */
const aloneMs = 4000;
const warmUpMs = 2000;

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
    await caller.ask("run", { url, milliseconds: warmUpMs });
    await server.ask<Watched>("watched");
    const alone = await caller.ask<Gets>("run", { url, milliseconds: aloneMs });
    const before = await server.ask<Watched>("watched");
    const attacker = start("tests/attacks/attacker-process.ts");
    await attacker.ask("attack", { url, name: attack.name });
    const beside = caller.ask<Gets>("run", { url, milliseconds: attackMs });
    const survived = await Promise.race([beside, died]);
    const isAlive = death === undefined && survived !== undefined;
    return {
      death,
      alone,
      before,
      beside: isAlive ? await beside : undefined,
      watched: isAlive ? await server.ask<Watched>("watched") : undefined,
      ends: await attacker.ask<Ends>("stop"),
      limitedBy: limit.kind,
    };
  } finally {
    for (const process of started.reverse()) {
      await process.stop();
    }
    limit.remove();
  }
}
