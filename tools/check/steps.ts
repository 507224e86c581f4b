import type { Step } from "./run-steps.js";

/** What every change is checked by. */
const ofEveryChange: readonly Step[] = [
  // It writes the generated code anew, which the others read.
  { name: "generated code is current", command: "npm run --silent check:generated", alone: true },
  { name: "schema is compatible", command: "npm run --silent check:breaking" },
  { name: "format and lint", command: "npm run --silent lint" },
  { name: "types", command: "npm run --silent typecheck" },
  { name: "packages", command: "npm run --silent test:packages" },
  { name: "tests", command: "npm test", alone: true },
];

/** What takes minutes more, or other people's tools. The longest come first, so that none is left at the end. */
const besides: readonly Step[] = [
  { name: "slow tests", command: "npm run --silent test:slow", alone: true },
  { name: "tests on Node 24", command: "npm run --silent test:node24", mayBeMissing: true },
  { name: "behaviour on moto", command: "npm run --silent test:engines -- moto", mayBeMissing: true },
  { name: "behaviour on ExtendDB", command: "npm run --silent test:engines -- extenddb", mayBeMissing: true },
  { name: "behaviour on dynoxide", command: "npm run --silent test:engines -- dynoxide", mayBeMissing: true },
  { name: "real browsers", command: "npm run --silent test:browser", mayBeMissing: true },
  { name: "Helm chart and manifests", command: "npm run --silent check:helm", mayBeMissing: true },
  { name: "other runtimes", command: "npm run --silent test:runtimes", mayBeMissing: true },
  { name: "dashboard and alerts", command: "npm run --silent check:metrics", mayBeMissing: true },
  { name: "others' clients", command: "npm run --silent interop", mayBeMissing: true },
  { name: "suites of Keyv", command: "npm run --silent test:adapters", mayBeMissing: true },
  { name: "testing packages in frameworks", command: "npm run --silent test:testing", mayBeMissing: true },
  { name: "programs of docs/languages", command: "npm run --silent test:languages", mayBeMissing: true },
  { name: "conformance", command: "npm run --silent conformance", mayBeMissing: true },
];

export function stepsOf({ all }: { readonly all: boolean }): readonly Step[] {
  return all ? [...ofEveryChange, ...besides] : ofEveryChange;
}
