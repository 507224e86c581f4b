import type { Examination } from "./examine.js";
import type { Finding, Level } from "./finding.js";

const labels: Record<Level, string> = { ok: "ok", warning: "warning", failure: "FAILURE", skipped: "-" };
/** ANSI: green, yellow, red, grey. */
const colours: Record<Level, number> = { ok: 32, warning: 33, failure: 31, skipped: 90 };

/** For people: a line for each finding, what to do below those that are not well, and the policy at the end. */
export function renderExamination({ findings, policy }: Examination, coloured: boolean): string {
  const widest = Math.max(...findings.map(({ subject }) => subject.length));
  const lines = findings.flatMap(({ level, subject, detail, advice }) => {
    const label = labels[level].padEnd(8);
    const shown = coloured ? `\u001b[${colours[level]}m${label}\u001b[0m` : label;
    const line = `${shown} ${subject.padEnd(widest)}  ${detail}`;
    return advice === undefined ? [line] : [line, `${" ".repeat(widest + 11)}→ ${advice}`];
  });
  const rights =
    policy === undefined ? [] : ["", "The least policy for these settings:", JSON.stringify(policy, null, 2)];
  return `${[...lines, "", summarize(findings), ...rights].join("\n")}\n`;
}

function summarize(findings: readonly Finding[]): string {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;
  return `${count("ok")} ok, ${count("warning")} warnings, ${count("failure")} failures, ${count("skipped")} not checked`;
}
