import { renderTable } from "../../tools/markdown.js";
import type { Goal } from "../goals.js";
import { digits } from "./format.js";

const units: Record<Goal["unit"], string> = { ratio: "×", ms: " ms", µs: " µs", MB: " MB", requests: "" };

export function renderGoals(goals: readonly Goal[]): string {
  return renderTable(
    ["what", "target", "found", ""],
    goals.map(({ line, text, unit, value, atMost, atLeast, reached }) => [
      `${line}. ${text}`,
      atMost === undefined ? `≥ ${atLeast}${units[unit]}` : `≤ ${atMost}${units[unit]}`,
      `${digits(value)}${units[unit]}`,
      reached ? "reached" : "not yet",
    ]),
    { figures: true },
  );
}
