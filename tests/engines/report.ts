import { renderTable, replaceMarked } from "../../tools/markdown.js";
import type { Engine } from "./engines.js";
import type { Features } from "./features.js";
import { knownDifferences } from "./known-differences.js";
import type { SuiteResult } from "./run-suites.js";

/** What was found on one engine. */
export interface EngineResult {
  readonly engine: Engine;
  readonly suites: readonly SuiteResult[];
  readonly features: Features;
}

/** The Markdown of all that was found: suites, features and known differences. */
export function renderReport(results: readonly EngineResult[]): string {
  const suites = [...new Set(results.flatMap((each) => each.suites.map(({ suite }) => suite)))];
  const features = [...new Set(results.flatMap((each) => Object.keys(each.features)))];
  const titles = results.map(({ engine }) => engine.title);
  const names = results.map(({ engine }) => engine.name);
  const differences = knownDifferences.filter(({ engine }) => names.includes(engine));
  return [
    renderTable(
      ["suite", ...titles],
      [
        ...suites.map((suite) => [
          suite,
          ...results.map((each) => cellOf(each.suites.filter((of) => of.suite === suite))),
        ]),
        ["**all**", ...results.map((each) => cellOf(each.suites))],
      ],
    ),
    renderTable(
      ["feature", ...titles],
      features.map((feature) => [feature, ...results.map((each) => each.features[feature] ?? "not asked")]),
    ),
    ...(differences.length === 0
      ? []
      : [
          renderTable(
            ["known difference of", "suite", "test", "reason"],
            differences.map(({ engine, suite, test, reason }) => [engine, suite, test, reason]),
          ),
        ]),
  ].join("\n");
}

function cellOf(suites: readonly SuiteResult[]): string {
  const count = (kind: "passed" | "known" | "failed") => suites.reduce((sum, suite) => sum + suite[kind].length, 0);
  if (suites.length === 0) {
    return "not run";
  }
  const [known, failed] = [count("known"), count("failed")];
  return [
    `${count("passed")} passed`,
    ...(known === 0 ? [] : [`${known} known`]),
    ...(failed === 0 ? [] : [`**${failed} failed**`]),
  ].join(", ");
}

/** Puts a report in the place that docs/engines.md marks for it. */
export function writeReport(report: string): void {
  replaceMarked("docs/engines.md", "engines", report);
}
