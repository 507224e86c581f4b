/**
 * Draws what docs/celery.md says that a worker spends, from the table there:
 *
 *     node --import tsx tests/celery/plot-costs.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderBarChart } from "../../tools/charts/bar-chart.js";
import { root } from "../../tools/root.js";

const colors = { boto3: "#b0793a", dynakv: "#2f6fb5" };
const row = /^\| (.+): worker CPU a task \| ([\d.]+) ms \| ([\d.]+) ms \|/gm;

const page = readFileSync(join(root, "docs/celery.md"), "utf8");
const groups = [...page.matchAll(row)].map(([, title = "", boto3, dynakv]) => ({
  title,
  bars: [
    { label: "boto3's backend", parts: [{ value: Number(boto3) * 1000, color: colors.boto3 }] },
    { label: "over dynakv", parts: [{ value: Number(dynakv) * 1000, color: colors.dynakv }] },
  ],
}));
const chart = renderBarChart({ title: "CPU of the workers for each task", unit: "µs", groups, legend: [] });
writeFileSync(join(root, "docs/celery/worker-cpu.svg"), chart);
