import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./root.js";

/** The folders that hold tests. */
export const testFolders = ["client/test", "server/test", "cli/test", "testing/test", "tests"] as const;

/** Every test file, by its path from the root, in a fixed order. */
export function listTestFiles(): string[] {
  return testFolders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".test.ts"))
      .sort()
      .map((path) => `${folder}/${path.replaceAll("\\", "/")}`),
  );
}

/** Those that kill servers, weigh memory, or try very much: each has a process of its own, and `npm test` leaves them out. */
export const slowTests =
  /\/(arguments-fuzz|crash|dead-connections|dropped-connections|fuzz|lifecycle|memory|mget-memory|npm|request-window-model|restart|transfer(-import|-export)?|workers)\.test\.ts$/;

/**
 * Deals files out to groups of as many at most, each for one process: loading the server takes longer than the tests of most
 * files. Files that stand beside each other, which often take equally long, come into different groups.
 */
export function groupFiles(files: readonly string[], ofGroup: number): string[][] {
  const count = Math.ceil(files.length / ofGroup);
  return Array.from({ length: count }, (_, group) => files.filter((_, index) => index % count === group));
}
