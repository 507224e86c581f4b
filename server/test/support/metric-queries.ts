import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../tools/root.js";

export const rulesFile = "deploy/prometheus/alerts.yml";
export const rulesTestFile = "deploy/prometheus/alerts.test.yml";
export const dashboardFile = "deploy/grafana/dashboard.json";

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** A query of the dashboard, as Prometheus gets it. */
export interface Query {
  readonly panel: string;
  readonly expression: string;
}

/** The dashboard's queries, with values for the variables that Grafana would set. */
export function readDashboardQueries(): Query[] {
  const { panels } = JSON.parse(readFileSync(join(root, dashboardFile), "utf8")) as { panels: Panel[] };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      panel: title,
      expression: expr.replaceAll("$__rate_interval", "5m").replaceAll(/\$(job|instance)\b/g, ".*"),
    })),
  );
}

/** The expressions of the rules, each on a line of its own. */
export function readRuleExpressions(): string[] {
  const expressions = readFileSync(join(root, rulesFile), "utf8").match(/(?<=^\s*expr: ).*$/gm) ?? [];
  return [...expressions];
}

/** Every metric that the dashboard and the rules use. */
export function metricsInUse(): Set<string> {
  return metricNamesIn([...readRuleExpressions(), ...readDashboardQueries().map(({ expression }) => expression)]);
}

/** The names of the metrics in expressions that are dynakv's, Node's or the process's, with the parts of histograms. */
function metricNamesIn(expressions: readonly string[]): Set<string> {
  // What has a colon beside it was made by a recording rule.
  return new Set(expressions.join("\n").match(/(?<![\w:])(dynakv|nodejs|process)_[a-z0-9_]+(?![\w:])/g) ?? []);
}

/** The names of the series that a page of metrics has, or would have once something is counted. */
export function seriesOf(page: string): Set<string> {
  const names = new Set<string>();
  for (const [, name = "", type] of page.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    for (const suffix of type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]) {
      names.add(name + suffix);
    }
  }
  return names;
}
