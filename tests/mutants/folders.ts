import { createHash } from "node:crypto";
import type { Mutant } from "./make-mutants.js";

/**
 * The folders whose guards are tried: the names of the report, their files, and the tests that are about them, which come before
 * others that reach them too. Those of rights and conditions come first.
 */
const folders: readonly (readonly [name: string, files: RegExp, tests: RegExp])[] = [
  ["access", /^server\/src\/access\//, /server\/test\/access\//],
  [
    "service",
    /^server\/src\/service\//,
    /access\.test|calls\/(limits|failed-calls|protocols)|conditions|expiry|touch|scan/,
  ],
  ["store/writes", /^server\/src\/store\/writes\//, /store\/writes\/|exactly-once/],
  ["store/counters", /^server\/src\/store\/counters\//, /store\/counters\//],
  ["store/layout", /^server\/src\/store\/layout\//, /store\/(writes|counters|celery)/],
  ["store/reads", /^server\/src\/store\/reads\//, /store\/reads\//],
  ["store/table", /^server\/src\/store\/table\//, /store\/table\/|expiry/],
  ["store/dynamodb", /^server\/src\/store\/dynamodb\//, /store\/dynamodb\//],
  ["calls", /^server\/src\/calls\//, /server\/test\/(calls|admission)\//],
  ["admission", /^server\/src\/admission\//, /admission\/|large-bodies/],
  ["errors", /^server\/src\/errors\//, /failed-calls|protocols|conditions/],
  ["client", /^client\/src\//, /client\/test\//],
  ["transfer", /^cli\/src\/transfer\//, /transfer/],
];

/** The files that hold the guards of what is promised first of all. */
export const guards: ReadonlyMap<string, RegExp> = new Map([
  ["rights", /^server\/src\/(access\/|service\/(method-rights|principal))/],
  ["conditions", /^server\/src\/store\/writes\/(write-condition|conditional-write|delete-entry|set-entry)/],
  [
    "expiry",
    /^server\/src\/store\/(writes\/touch-entry|table\/(reaper|ttl-setup)|layout\/(entry|expiry|marks)|reads\/decode-found)/,
  ],
  ["exactly once", /^server\/src\/store\/(counters\/|layout\/(dedup-state|request-archive|request-id|members))/],
]);

export const folderNames: readonly string[] = folders.map(([name]) => name);

export function folderOf(file: string): string | undefined {
  return folders.find(([, pattern]) => pattern.test(file))?.[0];
}

/** Whether a test is about the folder that a file is in. */
export function isAbout(test: string, file: string): boolean {
  return folders.some(([, files, tests]) => files.test(file) && tests.test(test));
}

/** Those that hold the guards of rights, conditions, expiry and exactly-once: they come twice in each turn. */
const ofGuards = new Set(["access", "service", "store/writes", "store/counters", "store/layout", "errors"]);

/** From each folder in turn, in an order by lot that stays the same while the sources do; slips in guards are drawn more often. */
export function inTurn(all: readonly Mutant[], seed: number): Mutant[] {
  const queues = folderNames.map((folder) => ({
    share: ofGuards.has(folder) ? 2 : 1,
    queue: drawn(
      all.filter(({ file }) => folderOf(file) === folder),
      seed,
    ),
  }));
  const longest = Math.max(0, ...queues.map(({ queue }) => queue.length));
  return Array.from({ length: longest }, (_, turn) =>
    queues.flatMap(({ queue, share }) => queue.slice(turn * share, (turn + 1) * share)),
  ).flat();
}

function drawn(mutants: readonly Mutant[], seed: number): Mutant[] {
  return mutants
    .map((mutant) => {
      const digest = createHash("sha256").update(`${seed} ${mutant.name}`).digest();
      const lot = (digest.readUInt32BE(0) + 1) / 2 ** 32;
      return { mutant, place: -Math.log(lot) / (mutant.isOfGuard ? 3 : 1) };
    })
    .sort((a, b) => a.place - b.place)
    .map(({ mutant }) => mutant);
}
