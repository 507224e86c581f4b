// Runs test files in one process, one after another in their order: to load the server takes longer than most. Of each file it runs the
// tests that are named, or all. With `--hits FILE` it writes which blocks each test enters, and how long it takes.
import { appendFileSync } from "node:fs";
import { resolve } from "node:path";
import { run } from "uvu/run";

const [plan, , hits] = process.argv.slice(2);
const files = JSON.parse(plan);
let running = { test: "", at: 0, blocks: new Set() };
if (hits !== undefined) {
  // Loaded before this file, by what also notes the blocks of programs that tests start.
  globalThis.dynakvHit = (block) => running.blocks.add(block);
  process.on("exit", tell);
}
globalThis.dynakvTests = {
  isChosen: (test) => files[globalThis.UVU_INDEX].tests?.includes(test) ?? true,
  begins: (test) => next(test),
  ends: () => next(""),
};
await run(files.map(({ file }) => ({ name: file, file: resolve(file) })));

function next(test) {
  if (hits !== undefined) {
    tell();
    running = { test, at: performance.now(), blocks: new Set() };
  }
}

function tell() {
  const { test, at, blocks } = running;
  appendFileSync(hits, `${JSON.stringify({ test, ms: Math.round(performance.now() - at), blocks: [...blocks] })}\n`);
}
