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

/** Those that mostly wait: for a server's looks at its table, for time-outs, for connections that end. They take little of a processor. */
export const waitingTests =
  /\/(access-changes|connection-limits|credentials|dynamodb\/faults|endpoints|listener\/port|network|port-closing|table-setup)\.test\.ts$/;

/**
 * The seconds that those files take that take long, on two processors, by the ends of their paths. They tell what to begin first, and
 * need not be exact.
 */
const secondsOf: Readonly<Record<string, number>> = {
  "access-changes": 16,
  "access/access": 12,
  "admission/call-limits": 11,
  "admission/memory-budget": 8,
  "arguments-fuzz": 36,
  "connection-limits": 13,
  "counters/crash": 13,
  "counters/exactly-once": 11,
  "counters/fresh-ids": 13,
  "counters/members": 7,
  "dead-connections": 50,
  "docs/commands": 21,
  "docs/examples": 8,
  "dropped-connections": 43,
  "dynamodb/credentials": 14,
  "dynamodb/endpoints": 11,
  "dynamodb/faults": 20,
  "dynamodb/network": 20,
  "dynamodb/outage": 8,
  "fuzz/fuzz": 22,
  "listener/port": 14,
  "observability/traces": 7,
  "port-closing": 9,
  "process/lifecycle": 22,
  "process/npm": 23,
  "process/workers": 20,
  "reads/memory": 50,
  "reads/mget": 9,
  "request-window-model": 60,
  "table-setup": 33,
  "test/cli": 17,
  "test/commands": 15,
  "test/mget-memory": 40,
  "test/restart": 41,
  "test/transfer": 7,
  "test/transfer-export": 22,
  "test/transfer-import": 20,
  "test/transports": 8,
  "writes/conditions": 6,
};
const secondsOfOthers = 3;

/**
 * Deals files out to groups of as many at most, each for one process: loading the server takes longer than the tests of most
 * files. All groups take about equally long, but for a single file that takes longer, and the longest comes first.
 */
export function groupFiles(files: readonly string[], ofGroup: number): string[][] {
  const groups = Array.from({ length: Math.ceil(files.length / ofGroup) }, () => ({
    files: [] as string[],
    seconds: 0,
  }));
  const longestFirst = files
    .map((file) => ({ file, seconds: expectedSeconds(file) }))
    .sort((a, b) => b.seconds - a.seconds);
  for (const { file, seconds } of longestFirst) {
    const shortest = groups
      .filter((group) => group.files.length < ofGroup)
      .reduce((a, b) => (b.seconds < a.seconds ? b : a));
    shortest.files.push(file);
    shortest.seconds += seconds;
  }
  return groups.sort((a, b) => b.seconds - a.seconds).map((group) => group.files);
}

function expectedSeconds(file: string): number {
  const [, seconds = secondsOfOthers] =
    Object.entries(secondsOf).find(([end]) => file.endsWith(`/${end}.test.ts`)) ?? [];
  return seconds;
}
