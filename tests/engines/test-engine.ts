import { listBehaviouralFiles } from "./behavioural-files.js";
import type { Engine } from "./engines.js";
import { probeFeatures } from "./features.js";
import type { EngineResult } from "./report.js";
import { type GroupResult, groupsFor, runSuites, type SuiteResult } from "./run-suites.js";
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
    const suites = new Map<string, SuiteResult>();
    for (const group of groupsFor(engine.name, files)) {
      const began = Date.now();
      const result = await runSuites(engine.name, group, environment);
      for (const [file, suite] of result.suites) {
        suites.set(file, suite);
      }
      process.stdout.write(renderGroup(result, Date.now() - began));
    }
    const inOrder = files.flatMap((file) => suites.get(file) ?? []);
    if (log !== undefined && inOrder.some(({ failed }) => failed.length > 0)) {
      process.stdout.write(`what ${engine.name} printed is in ${log}\n`);
    }
    return { engine, suites: inOrder, features: await probe.finish() };
  } finally {
    client.destroy();
    await stop();
  }
}

function renderGroup({ suites, output }: GroupResult, ms: number): string {
  return [
    ...[...suites.values()].map(renderSuite),
    ...([...suites.values()].every(({ failed }) => failed.length === 0) ? [] : [output]),
    `  in ${Math.round(ms / 1000)} s`,
    "",
  ].join("\n");
}

function renderSuite({ suite, passed, known, failed, outdated }: SuiteResult): string {
  return [
    `${suite}: ${passed.length} passed, ${known.length} known, ${failed.length} failed`,
    ...known.map((test) => `  known: ${test}`),
    ...outdated.map((test) => `  known, but does not fail: '${test}'; take it out of known-differences.ts`),
    ...failed.map((test) => `  FAILED: ${test}`),
  ].join("\n");
}
