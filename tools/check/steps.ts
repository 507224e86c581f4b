import type { Step } from "./run-steps.js";

/** It writes the generated code anew, which the others read. */
const generated: Step = {
  name: "generated code is current",
  command: "npm run --silent check:generated",
  beside: 0,
};

/** What every change is checked by, once the generated code is current. */
const ofEveryChange: readonly Step[] = [
  { name: "schema is compatible", command: "npm run --silent check:breaking" },
  { name: "format and lint", command: "npm run --silent lint" },
  { name: "types", command: "npm run --silent typecheck" },
  // Their time is promised.
  { name: "tests", command: "npm test", beside: 0 },
];

const packages: Step = { name: "packages", command: "npm run --silent test:packages" };

/**
 * What takes minutes more, or other people's tools. The longest come first, so that none is left at the end, and those that mostly
 * wait, for an engine or for workers, before those that work.
 */
const besides: readonly Step[] = [
  // They kill servers and weigh their memory.
  { name: "slow tests", command: "npm run --silent test:slow", beside: 1 },
  { name: "others' clients", command: "npm run --silent interop", mayBeMissing: true },
  { name: "behaviour on ExtendDB", command: "npm run --silent test:engines -- extenddb", mayBeMissing: true },
  { name: "behaviour on moto", command: "npm run --silent test:engines -- moto", mayBeMissing: true },
  { name: "real browsers", command: "npm run --silent test:browser", mayBeMissing: true },
  { name: "behaviour on dynoxide", command: "npm run --silent test:engines -- dynoxide", mayBeMissing: true },
  { name: "tests on Node 24", command: "npm run --silent test:node24", mayBeMissing: true },
  { name: "other runtimes", command: "npm run --silent test:runtimes", mayBeMissing: true },
  packages,
  { name: "testing packages in frameworks", command: "npm run --silent test:testing", mayBeMissing: true },
  { name: "programs of docs/languages", command: "npm run --silent test:languages", mayBeMissing: true },
  { name: "conformance", command: "npm run --silent conformance", mayBeMissing: true },
  { name: "suites of Keyv", command: "npm run --silent test:adapters", mayBeMissing: true },
  { name: "Helm chart and manifests", command: "npm run --silent check:helm", mayBeMissing: true },
  { name: "dashboard and alerts", command: "npm run --silent check:metrics", mayBeMissing: true },
];

export function stepsOf({ all }: { readonly all: boolean }): readonly Step[] {
  return all ? [generated, ...ofEveryChange, ...besides] : [generated, ...ofEveryChange, packages];
}
