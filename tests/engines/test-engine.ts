import { listBehaviouralFiles } from "./behavioural-files.js";
import type { Engine } from "./engines.js";
import { probeFeatures } from "./features.js";
import type { EngineResult } from "./report.js";
import { runSuite, type SuiteResult } from "./run-suite.js";
import { createClient } from "./start-engine.js";

/** Starts an engine, runs the tests of behaviour on it, and asks what it has. Tells how it goes on stdout. */
export async function testEngine(engine: Engine): Promise<EngineResult> {
  const { access, environment, log, stop } = await engine.start();
  const client = createClient(access);
  try {
    const { files, leftOut } = listBehaviouralFiles(access.endpoint);
    for (const [file, reason] of Object.entries(leftOut)) {
      process.stdout.write(`${file}: left out, because ${reason}\n`);
    }
    const probe = await probeFeatures(client);
    const suites: SuiteResult[] = [];
    for (const file of files) {
      const began = Date.now();
      const result = await runSuite(engine.name, file, environment);
      suites.push(result);
      process.stdout.write(renderResult(result, Date.now() - began));
    }
    if (log !== undefined && suites.some(({ failed }) => failed.length > 0)) {
      process.stdout.write(`what ${engine.name} printed is in ${log}\n`);
    }
    return { engine, suites, features: await probe.finish() };
  } finally {
    client.destroy();
    await stop();
  }
}

function renderResult({ suite, passed, known, failed, outdated, output }: SuiteResult, ms: number): string {
  const counts = `${passed.length} passed, ${known.length} known, ${failed.length} failed`;
  return [
    `${suite}: ${counts} (${Math.round(ms / 1000)} s)`,
    ...known.map((test) => `  known: ${test}`),
    ...outdated.map((test) => `  known, but does not fail: '${test}'; take it out of known-differences.ts`),
    ...failed.map((test) => `  FAILED: ${test}`),
    ...(failed.length === 0 ? [] : [output]),
    "",
  ].join("\n");
}
