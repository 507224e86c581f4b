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
    ...exampleNames.map((name) => ({ page: "docs/recipes.md", marker: name, text: renderExample(name) })),
  ];
}
