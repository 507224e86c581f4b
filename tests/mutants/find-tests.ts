import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { blockOf, type Copy, cache } from "./copy.js";
import { isAbout } from "./folders.js";
import type { Mutant } from "./make-mutants.js";
import { runTest } from "./run-test.js";

/** A test file that passes, how long it takes, and the blocks of the sources that it enters. */
interface Known {
  readonly ms: number;
  readonly blocks: ReadonlySet<string>;
}

/** Runs each test file once, unless that is known, and says which of them reach a mutant, the quickest first. */
export async function createTestFinder(copy: Copy, files: readonly string[], say: (text: string) => void) {
  const known = new Map<string, Known>();
  const state = join(cache, "reach.json");
  const stored: Record<string, { ms: number; blocks: string[] }> = existsSync(state)
    ? JSON.parse(await readFile(state, "utf8"))
    : {};
  for (const file of files) {
    if (stored[file] === undefined) {
      const hits = join(cache, "hits");
      await rm(hits, { force: true });
      const record = new URL(`record-hits.mjs?to=${encodeURIComponent(hits)}`, import.meta.url).href;
      const { isPassed, ms, failed } = await runTest(copy.root, file, 180_000, {
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ""} --import ${record}`,
      });
      const blocks = existsSync(hits) ? [...new Set((await readFile(hits, "utf8")).split("\n"))] : [];
      if (isPassed) {
        stored[file] = { ms, blocks };
        await writeFile(state, JSON.stringify(stored));
      }
      say(
        `${file}: ${isPassed ? `${blocks.length} blocks` : `not used, for it fails: ${failed}`}, ${Math.round(ms)} ms`,
      );
    }
    // One that fails by itself tells nothing.
    const { ms, blocks } = stored[file] ?? { ms: 0, blocks: [] };
    known.set(file, { ms, blocks: new Set(blocks) });
  }

  return (mutant: Mutant): { file: string; ms: number }[] => {
    const block = blockOf(copy.printed.get(mutant.file)?.split("\n") ?? [], mutant.line);
    const reaches = ({ blocks }: Known) =>
      block === undefined
        ? [...blocks].some((each) => each.startsWith(`${mutant.file}:`))
        : blocks.has(`${mutant.file}:${block}`);
    return [...known]
      .filter(([, each]) => reaches(each))
      .map(([file, { ms }]) => ({ file, ms }))
      .sort((a, b) => costOf(mutant, a) - costOf(mutant, b));
  };
}

/** The tests that are about it come before others that are not much quicker. */
function costOf({ file }: Mutant, test: { readonly file: string; readonly ms: number }): number {
  return isAbout(test.file, file) ? test.ms / 10 : test.ms;
}
