/** One line: its values, one a step. */
export interface Line {
  readonly label: string;
  readonly color: string;
  readonly values: readonly number[];
  readonly dashed?: boolean;
}

export interface LineChart {
  readonly title: string;
  readonly lines: readonly Line[];
  /** Values above it are cut off. */
  readonly max: number;
  /** What stands above the steps, from which step on. */
  readonly sections: readonly { readonly from: number; readonly text: string }[];
  readonly stepName: string;
}

const width = 720;
const height = 260;
const left = 50;
const top = 56;
const bottom = 24;

/** Lines over equal steps, from zero, readable on light and on dark pages. */
export function renderLineChart({ title, lines, max, sections, stepName }: LineChart): string {
  const steps = Math.max(...lines.map(({ values }) => values.length));
  const x = (step: number) => left + (step * (width - left)) / steps;
  const y = (value: number) => height - bottom - (Math.min(value, max) * (height - bottom - top)) / max;
  const parts = [text(0, 12, title, 'font-weight="bold"')];
  let at = 0;
  for (const { label, color, dashed } of lines) {
    parts.push(stroke(`M${at} 26h18`, color, dashed), text(at + 24, 30, label));
    at += 44 + label.length * 7;
  }
  for (const tick of [0, max / 2, max]) {
    parts.push(
      stroke(`M${left} ${y(tick).toFixed(1)}H${width}`, "#8884"),
      text(0, y(tick) + 4, Math.round(tick).toLocaleString("en")),
    );
  }
  for (const { from, text: name } of sections) {
    parts.push(stroke(`M${x(from).toFixed(1)} ${top}V${height - bottom}`, "#8888"), text(x(from) + 4, top - 6, name));
  }
  for (const { values, color, dashed } of lines) {
    const points = values.map((value, step) => `${x(step + 0.5).toFixed(1)} ${y(value).toFixed(1)}`);
    parts.push(stroke(`M${points.join("L")}`, color, dashed, 2));
  }
  parts.push(text(left, height - 6, stepName));
  const style = "text{font:12px system-ui,sans-serif;fill:#333}@media(prefers-color-scheme:dark){text{fill:#ddd}}";
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">\n` +
    `<style>${style}</style>\n${parts.join("\n")}\n</svg>\n`
  );
}

function stroke(path: string, color: string, dashed = false, wide = 1): string {
  const dashes = dashed ? ' stroke-dasharray="4 4"' : "";
  return `<path d="${path}" fill="none" stroke="${color}" stroke-width="${wide}"${dashes}/>`;
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${content}</text>`;
}
