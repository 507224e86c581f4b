/**
 * Writes the tables of the docs that are made from code: the settings in README.md, the reasons in docs/errors.md and the metrics
 * in docs/observability.md.
 *
 *     npm run docs
 */
import { renderReasonsTable } from "../server/src/errors/error-reasons.js";
import { metricRows } from "../server/src/observability/metrics/definitions.js";
import { renderSettingsTable } from "../server/src/settings/help.js";
import { renderTable, replaceMarked } from "../tools/markdown.js";

replaceMarked("README.md", "settings", renderSettingsTable());
replaceMarked("docs/errors.md", "reasons", renderReasonsTable());
replaceMarked("docs/observability.md", "metrics", renderTable(["metric", "type", "labels", "meaning"], metricRows));
