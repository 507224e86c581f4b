/**
 * Puts small, realistic slips into a copy of the sources, one at a time, and sees whether a test fails. What is known is kept, so that
 * a run goes on where another has ended.
 *
 *     npm run test:mutants                                  an hour of it, all folders in turn, in an order by lot
 *     npm run test:mutants -- --count 600 --seed 2          no more than the first 600 of another lot
 *     npm run test:mutants -- --minutes 20 --files access/  some minutes, and only files whose path matches
 *     npm run test:mutants -- --skip store/dynamodb         without files whose path matches
 *     npm run test:mutants -- --lanes 3                     three at a time, rather than two; many tests wait more than they work
 *     npm run test:mutants -- --again                       those that have survived without a reason, after tests were written, by more tests
 *     npm run test:mutants -- --fresh                       forgets what is known
 *     npm run test:mutants -- --write                       also writes docs/tests.md
 */
import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../../tools/root.js";
import { listTestFiles } from "../../tools/test-files.js";
import { type Copy, cache, copySources } from "./copy.js";
import { createTestFinder, isMeasured, measure } from "./find-tests.js";
import { folderOf, inTurn, isAbout } from "./folders.js";
import { judge } from "./judge.js";
import { type Mutant, makeMutants } from "./make-mutants.js";
import { renderReport, type Verdict } from "./report.js";
import { reasonForNoTest, reasonToSurvive } from "./survivors.js";

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "Infinity" },
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "60" },
    files: { type: "string", default: "" },
    skip: { type: "string", default: "^$" },
    lanes: { type: "string", default: "2" },
    again: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
/** Those that kill servers, weigh memory or try very much take too long, and those in tests/ test no guard by itself. */
const isTried = (file: string) =>
  !/\/(arguments-fuzz|crash|dead-connections|dropped-connections|fresh-ids|lifecycle|memory|mget-memory|restart|workers|outage|faults|secrets|goaway|npm)\.test\.ts$|^tests\/|^testing\/|buf-curl|cli\.test/.test(
    file,
  );
const say = (text: string) => process.stdout.write(`${text}\n`);
const endAt = Date.now() + Number(options.minutes) * 60_000;
const results = join(cache, "results.jsonl");

if (options.fresh) {
  await rm(cache, { recursive: true, force: true });
}
await mkdir(cache, { recursive: true });
const copies: Copy[] = [];
for (let lane = 0; lane < Number(options.lanes); lane++) {
  copies.push(await copySources(lane, (file) => folderOf(file) !== undefined));
}
const [{ printed }] = copies as [Copy];

const all = [...printed].flatMap(([file, code]) => makeMutants(file, code));
const asked = all.filter(({ file }) => new RegExp(options.files).test(file) && !new RegExp(options.skip).test(file));
const askedFiles = [...new Set(asked.map(({ file }) => file))];
const reached = new Map<string, Awaited<ReturnType<typeof measure>>>();
// Of those whose reach is not known, only the ones that are about what is asked for are run.
const tests = listTestFiles().filter(
  (file) => isTried(file) && (isMeasured(file) || askedFiles.some((each) => isAbout(file, each))),
);
await inLanes(tests, async (copy, file) => {
  const known = await measure(copy, file);
  reached.set(file, known);
  for (const test of known.failures) {
    say(`${file} fails by itself: ${test}`);
  }
});
say(`${reached.size} test files, whose reach is known`);
const { testsOf, note } = createTestFinder(copies[0] as Copy, reached);
const known = new Map<string, Verdict>();
if (existsSync(results)) {
  for (const line of (await readFile(results, "utf8")).split("\n").filter((each) => each !== "")) {
    const verdict = JSON.parse(line) as Verdict;
    known.set(verdict.mutant.name, verdict);
    if (verdict.test !== undefined) {
      note(verdict);
    }
  }
}

const wanted = inTurn(asked, Number(options.seed)).slice(0, Number(options.count)).filter(isDue);
say(`${all.length} slips can be made; ${known.size} are known; ${wanted.length} are wanted`);
await inLanes(wanted, async (copy, mutant) => {
  if (Date.now() > endAt) {
    return;
  }
  const startedAt = performance.now();
  const verdict = await judge(copy, mutant, testsOf(mutant), { isThorough: options.again });
  if (verdict === undefined) {
    say(`too busy to judge ${mutant.name}`);
    return;
  }
  known.set(mutant.name, verdict);
  if (verdict.test !== undefined) {
    note(verdict);
  }
  await appendFile(results, `${JSON.stringify(verdict)}\n`);
  say(
    `${verdict.state.padEnd(8)} ${((performance.now() - startedAt) / 1000).toFixed(1)} s ${mutant.file}:${mutant.line} ${mutant.before}  =>  ${mutant.after}  ${verdict.by ?? ""}`,
  );
});
for (const { tests } of copies) {
  tests.startAnew();
}
// What was known of sources that have changed since is not counted.
const current = new Set(all.map(({ name }) => name));
const verdicts = [...known].filter(([name]) => current.has(name)).map(([, verdict]) => verdict);
const report = renderReport(verdicts, all.length);
say(`\n${report}`);
if (options.write) {
  await writeFile(join(root, "docs/tests.md"), report);
}

/** Each copy takes the next when it is done with one. */
async function inLanes<T>(things: readonly T[], work: (copy: Copy, thing: T) => Promise<void>): Promise<void> {
  const queue = [...things];
  await Promise.all(
    copies.map(async (copy) => {
      for (let thing = queue.shift(); thing !== undefined; thing = queue.shift()) {
        await work(copy, thing);
      }
    }),
  );
}

function isDue(mutant: Mutant): boolean {
  const verdict = known.get(mutant.name);
  if (!options.again) {
    return verdict === undefined;
  }
  const hasReason = reasonToSurvive(mutant) !== undefined || reasonForNoTest(mutant) !== undefined;
  return verdict !== undefined && verdict.state !== "killed" && !hasReason;
}
