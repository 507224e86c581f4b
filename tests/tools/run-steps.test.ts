import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { type Outcome, type RunOptions, runSteps, type Step } from "../../tools/check/run-steps.js";

const test = suite("running the steps of a check");
let folder: string;

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), "dynakv-steps-"));
});

test.after(() => {
  rmSync(folder, { recursive: true });
});

let programs = 0;

/** A step that runs a program in JavaScript. */
function step(name: string, program: string, more: Partial<Step> = {}): Step {
  programs += 1;
  const file = join(folder, `${programs}.mjs`);
  writeFileSync(file, `import { existsSync, writeFileSync } from "node:fs";\n${program}\n`);
  return { name, command: `${process.execPath} ${file}`, ...more };
}

/** Waits in a step's program until that file is there. */
const waitFor = (file: string) => `while (!existsSync("${file}")) await new Promise((go) => setTimeout(go, 5));`;

async function run(steps: readonly Step[], options: Partial<RunOptions> = {}) {
  const written: string[] = [];
  const write = (text: string) => void written.push(text);
  const outcomes = await runSteps(steps, { slots: 2, stepLimitMs: 60_000, limitMs: 60_000, write, ...options });
  return { outcomes, output: written.join(""), states: outcomes.map(({ state }: Outcome) => state) };
}

test("steps run side by side, and the output of each is kept together", async () => {
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  // Each ends only once the other has begun.
  const { output, states } = await run([
    step("a", `console.log("a begins"); writeFileSync("${first}", ""); ${waitFor(second)} console.log("a ends");`),
    step("b", `console.log("b begins"); writeFileSync("${second}", ""); ${waitFor(first)} console.error("b ends");`),
  ]);
  assert.equal(states, ["passed", "passed"]);
  assert.match(output, /== a: .*\na begins\na ends\n== a: PASSED/);
  assert.match(output, /== b: .*\nb begins\nb ends\n== b: PASSED/);
});

test("nothing runs beside a step that runs alone, and the order is kept", async () => {
  const order = join(folder, "order");
  const note = (name: string) =>
    `import { appendFileSync } from "node:fs";
     appendFileSync("${order}", "${name} begins\\n");
     await new Promise((go) => setTimeout(go, 50));
     appendFileSync("${order}", "${name} ends\\n");`;
  await run([step("a", note("a")), step("alone", note("alone"), { beside: 0 }), step("b", note("b"))], { slots: 3 });
  const lines = ["a", "alone", "b"].flatMap((name) => [`${name} begins`, `${name} ends`]);
  assert.equal(readFileSync(order, "utf8").trim().split("\n"), lines);
});

test("only so many run beside a step as it says, whichever of them begins first", async () => {
  const [begun, ended, last] = [join(folder, "few-begun"), join(folder, "a-ended"), join(folder, "b-began")];
  const pause = "await new Promise((go) => setTimeout(go, 200));";
  const { output, states } = await run(
    [
      step("a", `${waitFor(begun)} ${pause} writeFileSync("${ended}", "");`),
      step("few", `writeFileSync("${begun}", ""); ${waitFor(last)}`, { beside: 1 }),
      step("b", `console.log("a has ended: " + existsSync("${ended}")); writeFileSync("${last}", "");`),
    ],
    { slots: 3 },
  );
  assert.equal(states, ["passed", "passed", "passed"]);
  assert.match(output, /a has ended: true/);
});

test("2 says that a step could not be tried, of one that may be missing alone", async () => {
  const { states } = await run([
    step("a", "process.exit(2)", { mayBeMissing: true }),
    step("b", "process.exit(2)"),
    step("c", "process.exit(1)", { mayBeMissing: true }),
    { name: "d", command: join(folder, "no-such-program") },
    step("e", ""),
  ]);
  assert.equal(states, ["not tested", "failed", "failed", "failed", "passed"]);
});

test("a step's own tests are counted from its last line alone", async () => {
  const { outcomes } = await run([
    step("a", 'console.log("1 passed, 2 failed\\nmore\\n\\n7 passed, 3 failed"); process.exitCode = 1;'),
    step("b", 'console.log("1 passed, 2 failed\\nmore")'),
    step("c", 'console.log("cases: 1 passed, 2 failed")'),
  ]);
  assert.equal(
    outcomes.map(({ tests }) => tests),
    [
      { passed: 7, failed: 3 },
      { passed: 0, failed: 0 },
      { passed: 0, failed: 0 },
    ],
  );
});

test("what fails beside other steps is run once more by itself, and what passes then is told as unsteady", async () => {
  const [tried, wrong] = [join(folder, "tried"), 'console.log("1 passed, 1 failed"); process.exitCode = 1;'];
  const passesLater = `if (existsSync("${tried}")) console.log("2 passed, 0 failed");
    else { writeFileSync("${tried}", ""); ${wrong} }`;
  const { outcomes, output, states } = await run([step("a", passesLater), step("b", wrong), step("c", "")]);
  assert.equal(states, ["passed", "failed", "passed"]);
  assert.equal(
    outcomes.map(({ isUnsteady }) => isUnsteady),
    [true, false, false],
  );
  assert.equal(
    outcomes.map(({ tests }) => tests),
    [
      { passed: 2, failed: 0 },
      { passed: 1, failed: 1 },
      { passed: 0, failed: 0 },
    ],
  );
  assert.match(output, /== a: FAILED.*== a: once more, by itself\n.*== a: PASSED/s);
  assert.is(output.match(/== c: PASSED/g)?.length, 1);
});

test("a step that runs alone has failed when it fails", async () => {
  const { states, output } = await run([step("a", "process.exitCode = 1;", { beside: 0 })]);
  assert.equal(states, ["failed"]);
  assert.not.match(output, /once more/);
});

test("a step that hangs is ended and has failed", async () => {
  const { states, output } = await run([step("a", "setInterval(() => {}, 1000);")], { stepLimitMs: 200 });
  assert.equal(states, ["failed"]);
  assert.match(output, /== a: .*\n\nstopped after \d+ s\n/);
});

test("what is left when the time is over is not started, and has failed", async () => {
  const begun = join(folder, "begun");
  const { states, output } = await run([step("a", `writeFileSync("${begun}", "");`)], { limitMs: 0 });
  assert.equal(states, ["failed"]);
  assert.match(output, /== a: .*\nnot started: there is no time left\n/);
  assert.not(existsSync(begun));
});

test.run();
