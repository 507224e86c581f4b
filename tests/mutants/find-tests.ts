import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../tools/root.js";
import { blockOf, type Copy, cache, nameOfBlock } from "./copy.js";
import type { Mutant } from "./make-mutants.js";
import type { Verdict } from "./report.js";
import type { Part } from "./run-test.js";

/** What is known of a test file that was run once: the blocks of the sources that it enters, and which of them each test does. */
interface Known {
  /** How long all but its tests takes. */
  readonly ms: number;
  readonly blocks: readonly string[];
  /** By their places in `blocks`; those that are entered outside all tests count for each. */
  readonly outside: readonly number[];
  readonly tests: readonly { readonly test: string; readonly ms: number; readonly blocks: readonly number[] }[];
  /** The tests that failed by themselves, and so tell nothing, which are not among the others. */
  readonly failures: readonly string[];
}

/** A test that reaches a slip. */
export interface Reaching {
  readonly file: string;
  readonly test: string;
  readonly ms: number;
  /** How many blocks it enters. */
  readonly blocks: number;
  /** How often it has noticed a slip in the same source file. */
  readonly noticed: number;
}

/** Where it is noted what a test file reaches, as it is now. */
function stateOf(folder: string, file: string): string {
  const digest = createHash("sha256")
    .update(readFileSync(join(folder, file)))
    .digest("hex");
  return join(cache, "reach", `${file.replaceAll("/", "_")}-${digest.slice(0, 12)}.json`);
}

export function isMeasured(file: string): boolean {
  return existsSync(stateOf(root, file));
}

const measuring = { runMs: 180_000, testMs: 120_000 };

/** Runs a test file once, unless what it reaches is known. */
export async function measure(copy: Copy, file: string): Promise<Known> {
  const state = stateOf(copy.root, file);
  if (existsSync(state)) {
    return JSON.parse(await readFile(state, "utf8"));
  }
  const hits = join(copy.root, "hits");
  await rm(hits, { force: true });
  const { ms, failures, parts: own, isTimeout } = await copy.tests.run([{ file }], measuring, { hits });
  const lines = existsSync(hits) ? (await readFile(hits, "utf8")).split("\n").filter((each) => each !== "") : [];
  const parts = [...own, ...lines.map((line): Part => JSON.parse(line))];
  const places = new Map([...new Set(parts.flatMap(({ blocks }) => blocks))].map((block, place) => [block, place]));
  const numbered = parts.map((part) => ({ ...part, blocks: part.blocks.map((block) => places.get(block) as number) }));
  const tests = numbered.filter(({ test }) => test !== "" && !failures.includes(test));
  const known: Known = {
    ms: Math.max(0, ms - tests.reduce((sum, each) => sum + each.ms, 0)),
    blocks: [...places.keys()],
    outside: [...new Set(numbered.filter(({ test }) => test === "").flatMap(({ blocks }) => blocks))],
    tests,
    failures,
  };
  // On a machine that is too busy it is told another time.
  if (!isTimeout && tests.length > 0) {
    await mkdir(join(cache, "reach"), { recursive: true });
    await writeFile(state, JSON.stringify(known));
  }
  return known;
}

/** Says which tests reach a slip. */
export function createTestFinder(copy: Copy, known: ReadonlyMap<string, Known>) {
  const files = [...known].map(([file, each]) => ({
    ...each,
    file,
    outside: new Set(each.outside),
    places: placesOf(each),
  }));
  /** How often a test has noticed a slip in a source file. */
  const noticed = new Map<string, number>();
  const seen = new Set(files.flatMap(({ blocks }) => blocks));

  return {
    testsOf(mutant: Mutant): Reaching[] {
      const lines = copy.printed.get(mutant.file)?.split("\n") ?? [];
      const block = blockOf(lines, mutant.line);
      const name = block === undefined ? undefined : nameOfBlock(mutant.file, lines, block);
      const isOfFile = (each: string) => each.startsWith(`${mutant.file}:`);
      // Of a block that is new since, all that come to its file might.
      const isExact = name !== undefined && (seen.has(name) || ![...seen].some(isOfFile));
      return files.flatMap(({ file, blocks, outside, tests, places }): Reaching[] => {
        const wanted = isExact
          ? [places.get(name)].filter((place) => place !== undefined)
          : blocks.flatMap((each, place) => (isOfFile(each) ? [place] : []));
        const inside = tests.filter((each) => wanted.some((place) => each.blocks.includes(place)));
        const chosen = inside.length === 0 && wanted.some((place) => outside.has(place)) ? tests : inside;
        return chosen.map(({ test, ms, blocks: { length } }) => ({
          file,
          test,
          ms,
          blocks: length,
          noticed: noticed.get(`${file}: ${test} ${mutant.file}`) ?? 0,
        }));
      });
    },
    /** Tells that a test has noticed a slip: it is asked sooner about others in the same source file. */
    note({ test, title, mutant }: Verdict): void {
      const pair = `${test}: ${title} ${mutant.file}`;
      noticed.set(pair, (noticed.get(pair) ?? 0) + 1);
    },
  };
}

function placesOf({ blocks }: Known): ReadonlyMap<string, number> {
  return new Map(blocks.map((block, place) => [block, place]));
}
