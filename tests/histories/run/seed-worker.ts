/** Runs the seeds that its parent names, one after another, on replicas of its own. */
import { startReplicas } from "./replicas.js";
import { runSeed } from "./run-seed.js";

export interface SeedOrder {
  readonly seed: number;
  readonly operations: number;
}

const replicas = await startReplicas();

process.on("message", async ({ seed, operations }: SeedOrder) => {
  const report = await runSeed(replicas, seed, operations);
  if (process.connected) {
    process.send?.(report);
  }
});
process.on("disconnect", () => replicas.stop());
process.send?.("ready");
