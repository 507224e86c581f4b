import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { renderReasonsTable } from "../server/src/errors/error-reasons.js";
import { metricRows } from "../server/src/observability/metrics/definitions.js";
import { renderSettingsTable } from "../server/src/settings/help.js";
import { faultRows } from "../testing/test/support/fault-rows.js";
import { renderTable } from "../tools/markdown.js";
import { root } from "../tools/root.js";

/** A part of a page that is made from code, between `<!-- marker -->` and `<!-- /marker -->`. */
export interface GeneratedPart {
  readonly page: string;
  readonly marker: string;
  readonly text: string;
}

/** Names without the extension. */
export const exampleNames = readdirSync(join(root, "examples")).flatMap((file) => /^(.*)\.ts$/.exec(file)?.[1] ?? []);

/** An example as a block, its first comment aside: the page says it in its own words. */
function renderExample(name: string): string {
  const code = readFileSync(join(root, "examples", `${name}.ts`), "utf8").replace(/^\/\/ .*\n/, "");
  return `\`\`\`ts\n${code}\`\`\`\n`;
}

const code = (text: string) => `\`${text}\``;

/** Files of the projects in which the client is tried, by their marks in docs/runtimes.md. */
const runtimeFiles = {
  jest: "jest/jest.config.cjs",
  "ts-jest": "ts-jest/jest.config.cjs",
  "ts-jest-tsconfig": "ts-jest/tsconfig.json",
  nest: "nest/dynakv.service.ts",
  "nest-tsconfig": "nest/tsconfig.json",
};

/** A block of the file's language: one in TypeScript would be run as an example of the README is. */
function renderRuntimeFile(file: string): string {
  const language = { cjs: "js", json: "json", ts: "typescript" }[file.slice(file.lastIndexOf(".") + 1)];
  return `\`\`\`${language}\n${readFileSync(join(root, "tests/runtimes/projects", file), "utf8")}\`\`\`\n`;
}

export function generatedParts(): readonly GeneratedPart[] {
  return [
    { page: "docs/settings.md", marker: "settings", text: renderSettingsTable() },
    { page: "docs/errors.md", marker: "reasons", text: renderReasonsTable() },
    {
      page: "docs/observability.md",
      marker: "metrics",
      text: renderTable(["metric", "type", "labels", "meaning"], metricRows),
    },
    {
      page: "docs/testing.md",
      marker: "faults",
      text: renderTable(
        ["fault", "call", "what the call ends with", "why"],
        faultRows.map(({ fault, call, sees, because }) => [
          code(fault),
          call,
          sees.map((each) => (each === "success" ? each : each.split(", ").map(code).join(", "))).join(", or "),
          because,
        ]),
      ),
    },
    ...Object.entries(runtimeFiles).map(([marker, file]) => ({
      page: "docs/runtimes.md",
      marker,
      text: renderRuntimeFile(file),
    })),
    ...exampleNames.map((name) => ({ page: "docs/recipes.md", marker: name, text: renderExample(name) })),
  ];
}
