/**
 * Puts small, realistic slips into a copy of the sources, one at a time, and sees whether a test fails. What is known is kept, so that
 * a run goes on where another has ended.
 *
 *     npm run test:mutants                                  an hour of it, all folders in turn, in an order by lot
 *     npm run test:mutants -- --count 600 --seed 2          no more than the first 600 of another lot
 *     npm run test:mutants -- --minutes 20 --files access/  some minutes, and only files whose path matches
 *     npm run test:mutants -- --skip store/dynamodb         without files whose path matches
 *     npm run test:mutants -- --known                       without running test files first of which it is not known what they reach
 *     npm run test:mutants -- --again                       those that have survived, after tests were written
 *     npm run test:mutants -- --fresh                       forgets what is known
 *     npm run test:mutants -- --write                       also writes docs/tests.md
 */
import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../../tools/root.js";
import { listTestFiles } from "../../tools/test-files.js";
import { cache, copySources } from "./copy.js";
import { createTestFinder } from "./find-tests.js";
import { folderOf, inTurn, isAbout } from "./folders.js";
import { type Mutant, makeMutants } from "./make-mutants.js";
import { renderReport, type Verdict } from "./report.js";
import { runTests } from "./run-test.js";

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "Infinity" },
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "60" },
    files: { type: "string", default: "" },
    skip: { type: "string", default: "^$" },
    again: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    known: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
/** How many test files are tried for one slip, and how long they may take. */
const maxTests = 6;
const maxMs = 15_000;
/** The same for those that are about its folder. */
const maxMsAbout = 90_000;
const sumOfMs = (tests: readonly { readonly ms: number }[]) => tests.reduce((sum, { ms }) => sum + ms, 0);
/** Those that kill servers, weigh memory or try very much take too long, and those in tests/ test no guard by itself. */
const isTried = (file: string) =>
  !/\/(arguments-fuzz|crash|dead-connections|dropped-connections|fresh-ids|lifecycle|memory|mget-memory|restart|workers|outage|faults|secrets|goaway)\.test\.ts$|^tests\/|buf-curl|cli\.test/.test(
    file,
  );
const say = (text: string) => process.stdout.write(`${text}\n`);
const endAt = Date.now() + Number(options.minutes) * 60_000;
const results = join(cache, "results.jsonl");

if (options.fresh) {
  await rm(cache, { recursive: true, force: true });
}
await mkdir(cache, { recursive: true });
const copy = await copySources((file) => folderOf(file) !== undefined);
const { testsOf, note } = await createTestFinder(copy, listTestFiles().filter(isTried), {
  runsUnknown: !options.known,
  say,
});
const known = new Map<string, Verdict>();
if (existsSync(results)) {
  for (const line of (await readFile(results, "utf8")).split("\n").filter((each) => each !== "")) {
    const verdict = JSON.parse(line) as Verdict;
    known.set(verdict.mutant.name, verdict);
    if (verdict.test !== undefined) {
      note(verdict.test, verdict.mutant);
    }
  }
}

const all = [...copy.printed].flatMap(([file, code]) => makeMutants(file, code));
const drawn = inTurn(
  all.filter(({ file }) => new RegExp(options.files).test(file) && !new RegExp(options.skip).test(file)),
  Number(options.seed),
).slice(0, Number(options.count));
const wanted = drawn.filter(isDue);
say(`${all.length} slips can be made; ${known.size} are known; ${wanted.length} are wanted`);
for (const mutant of wanted) {
  if (Date.now() > endAt) {
    break;
  }
  const verdict = await judge(mutant);
  if (verdict === undefined) {
    say(`too busy to judge ${mutant.name}`);
    continue;
  }
  known.set(mutant.name, verdict);
  await appendFile(results, `${JSON.stringify(verdict)}\n`);
  say(
    `${verdict.state.padEnd(8)} ${mutant.file}:${mutant.line} ${mutant.before}  =>  ${mutant.after}  ${verdict.by ?? ""}`,
  );
}
// What was known of sources that have changed since is not counted.
const current = new Set(all.map(({ name }) => name));
const verdicts = [...known].filter(([name]) => current.has(name)).map(([, verdict]) => verdict);
const report = renderReport(verdicts, all.length);
say(`\n${report}`);
if (options.write) {
  await writeFile(join(root, "docs/tests.md"), report);
}

function isDue(mutant: Mutant): boolean {
  const verdict = known.get(mutant.name);
  return options.again ? verdict !== undefined && verdict.state !== "killed" : verdict === undefined;
}

/** Undefined where the machine is too busy to tell. */
async function judge(mutant: Mutant): Promise<Verdict | undefined> {
  const reaching = testsOf(mutant);
  const tests = reaching.filter(({ file }, n) => {
    const ms = sumOfMs(reaching.slice(0, n + 1));
    return isAbout(file, mutant.file) ? ms < maxMsAbout : n < maxTests && ms < maxMs;
  });
  if (tests.length === 0) {
    return { mutant, state: "unreached" };
  }
  const undo = await copy.change(mutant.file, mutant.line, mutant.after);
  try {
    const files = tests.map(({ file }) => file);
    const limitMs = 300_000 + 5 * sumOfMs(tests);
    const first = await runTests(copy.root, files, limitMs);
    // What took too long may have had to wait for others on the machine.
    const run = first.isTimeout ? await runTests(copy.root, files, limitMs) : first;
    if (run.isTimeout) {
      await undo();
      if ((await runTests(copy.root, files, limitMs)).isTimeout) {
        return undefined;
      }
    }
    if (run.isPassed) {
      return { mutant, state: "survived" };
    }
    const test = run.file ?? "";
    note(test, mutant);
    return { mutant, state: "killed", test, by: `${test}: ${run.failed ?? "it broke off"}` };
  } finally {
    await undo();
  }
}
