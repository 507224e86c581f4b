import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { blockOf, type Copy, cache, nameOfBlock } from "./copy.js";
import { isAbout } from "./folders.js";
import type { Mutant } from "./make-mutants.js";
import { runTests } from "./run-test.js";

/** A test file that passes, how long it takes, and the blocks of the sources that it enters. */
interface Known {
  readonly ms: number;
  readonly blocks: readonly string[];
  /** Set for one that failed by itself, and so tells nothing. */
  readonly failed?: string | undefined;
}

export interface TestFile {
  readonly file: string;
  readonly ms: number;
}

/**
 * Runs each test file once, unless what it reaches is known, and says which of them reach a mutant: those first that are likely to notice
 * it, and quick. Without `runsUnknown` a file that was never run is taken to reach all that it is about.
 */
export async function createTestFinder(
  copy: Copy,
  files: readonly string[],
  { runsUnknown, say }: { readonly runsUnknown: boolean; readonly say: (text: string) => void },
) {
  const state = join(cache, "reach.json");
  const known: Record<string, Known> = existsSync(state) ? JSON.parse(await readFile(state, "utf8")) : {};
  for (const file of files) {
    // One that has changed since reaches much the same.
    if (known[file] === undefined && runsUnknown) {
      const hits = join(cache, "hits");
      await rm(hits, { force: true });
      const record = new URL(`record-hits.mjs?to=${encodeURIComponent(hits)}`, import.meta.url).href;
      const { isPassed, ms, failed } = await runTests(copy.root, [file], 180_000, {
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ""} --import ${record}`,
      });
      const blocks = existsSync(hits) ? [...new Set((await readFile(hits, "utf8")).split("\n"))] : [];
      known[file] = { ms, blocks, ...(isPassed ? {} : { failed: failed ?? "it broke off" }) };
      await writeFile(state, JSON.stringify(known));
      say(`${file}: ${isPassed ? `reaches ${blocks.length}` : `fails: ${failed}`}, ${Math.round(ms)} ms`);
    }
  }
  const tests = files.flatMap((file) => {
    const { ms = 5000, blocks, failed } = known[file] ?? {};
    return failed !== undefined ? [] : [{ file, ms, blocks: new Set(blocks), isKnown: blocks !== undefined }];
  });
  const all = new Set(tests.flatMap(({ blocks }) => [...blocks]));
  /** How often a test file has noticed a slip in a source file. */
  const noticed = new Map<string, number>();

  return {
    testsOf(mutant: Mutant): TestFile[] {
      const lines = copy.printed.get(mutant.file)?.split("\n") ?? [];
      const block = blockOf(lines, mutant.line);
      const name = block === undefined ? undefined : nameOfBlock(mutant.file, lines, block);
      // Of a block that is new since, all that come to its file might.
      const isExact = name !== undefined && (all.has(name) || ![...all].some((each) => each.startsWith(mutant.file)));
      const cost = ({ file, ms }: TestFile) =>
        (isAbout(file, mutant.file) ? ms / 10 : ms) / (1 + (noticed.get(`${file} ${mutant.file}`) ?? 0));
      return tests
        .filter(({ file, blocks, isKnown }) =>
          !isKnown
            ? isAbout(file, mutant.file)
            : isExact
              ? blocks.has(name)
              : [...blocks].some((each) => each.startsWith(`${mutant.file}:`)),
        )
        .map(({ file, ms }) => ({ file, ms }))
        .sort((a, b) => cost(a) - cost(b));
    },
    /** Tells that a test file has noticed a slip: it is asked sooner about others in the same source file. */
    note(test: string, mutant: Mutant): void {
      const pair = `${test} ${mutant.file}`;
      noticed.set(pair, (noticed.get(pair) ?? 0) + 1);
    },
  };
}
