// Runs bundles of test files (bundle-tests.ts), one after another: to load the packages that they need takes longer than most of them.
// Of each file it runs the tests that are named, or all, until the first that fails, unless it is asked which blocks each test enters.
import { pathToFileURL } from "node:url";

globalThis.UVU_DEFER = 1;
await import("uvu");

/** What is told of a run: its parts are its tests, and what lies between them. */
let result = noResult();
process.stdout.write = (text) => note(String(text));
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error) => {
    note(`\n FAIL  ${event}: ${messageOf(error)}\n`);
    process.send(result, () => process.exit(1));
  });
}
process.on("message", (plan) => void runPlan(plan));
process.send("ready");

async function runPlan({ bundle, chosen, isMeasured, env }) {
  Object.assign(process.env, env);
  result = noResult();
  let part;
  const begin = (test) => {
    part = { test, at: performance.now(), blocks: new Set() };
    result.running = test;
  };
  const end = () =>
    result.parts.push({ test: part.test, ms: Math.round(performance.now() - part.at), blocks: [...part.blocks] });
  const isOver = () => result.failed !== undefined && !isMeasured;
  begin("");
  globalThis.dynakvHit = isMeasured ? (block) => part.blocks.add(block) : undefined;
  globalThis.dynakvTests = {
    isChosen: (test) => chosen[globalThis.UVU_INDEX].tests?.includes(test) ?? true,
    begins(test) {
      if (isOver()) {
        throw new Error("another has failed");
      }
      end();
      begin(test);
    },
    ends() {
      end();
      begin("");
    },
  };
  globalThis.UVU_QUEUE = chosen.map(() => []);
  try {
    await import(pathToFileURL(bundle).href);
    for (const [index, suites] of globalThis.UVU_QUEUE.entries()) {
      result.index = index;
      for (const suite of suites) {
        if (!isOver()) {
          const [, passed, , total] = await suite();
          result.passed += passed;
          result.total += total;
        }
      }
    }
  } catch (error) {
    note(`\n FAIL  outside all tests: ${messageOf(error)}\n`);
  }
  end();
  process.send(result);
}

/** Takes what tests print: suite.ts tells at once of those that fail or hang. */
function note(text) {
  result.output += text;
  const failure = / (FAIL|HANGS) {2}(.*)/.exec(text);
  if (failure !== null && result.failed === undefined) {
    const [, kind, what] = failure;
    result.failed = { kind, what, test: result.running, index: result.index };
  }
  return true;
}

function noResult() {
  return { output: "", parts: [], index: 0, running: "", failed: undefined, passed: 0, total: 0 };
}

function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
