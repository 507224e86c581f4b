/** One bar: what it is, and its parts, one after another. */
export interface Bar {
  readonly label: string;
  readonly parts: readonly { readonly value: number; readonly color: string }[];
}

export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface BarChart {
  readonly title: string;
  readonly unit: string;
  readonly groups: readonly BarGroup[];
  /** What the colors mean. */
  readonly legend: readonly { readonly text: string; readonly color: string }[];
}

const width = 720;
const labelWidth = 110;
const valueWidth = 90;
const barHeight = 16;
const rowHeight = 20;
const groupHead = 24;

/** Horizontal bars in groups, from zero, readable on light and on dark pages. */
export function renderBarChart({ title, unit, groups, legend }: BarChart): string {
  const longest = Math.max(...groups.flatMap(({ bars }) => bars.map(sumOf)));
  const scale = (width - labelWidth - valueWidth) / longest;
  const lines: string[] = [];
  let y = 30;
  let x = 0;
  for (const { text: name, color } of legend) {
    lines.push(rect(x, y - 10, 10, 10, color), text(x + 14, y, name));
    x += 34 + name.length * 7;
  }
  for (const group of groups) {
    y += groupHead;
    lines.push(text(0, y, group.title, 'font-weight="bold"'));
    y += 8;
    for (const bar of group.bars) {
      lines.push(text(0, y + 12, bar.label));
      let at = labelWidth;
      for (const { value, color } of bar.parts) {
        lines.push(rect(at, y, Math.max(1, value * scale), barHeight, color));
        at += value * scale;
      }
      lines.push(text(at + 6, y + 12, `${Math.round(sumOf(bar)).toLocaleString("en")} ${unit}`));
      y += rowHeight;
    }
  }
  const style = "text{font:12px system-ui,sans-serif;fill:#333}@media(prefers-color-scheme:dark){text{fill:#ddd}}";
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 8}" role="img" aria-label="${title}">\n` +
    `<style>${style}</style>\n${text(0, 12, title, 'font-weight="bold"')}\n${lines.join("\n")}\n</svg>\n`
  );
}

function sumOf({ parts }: Bar): number {
  return parts.reduce((sum, { value }) => sum + value, 0);
}

function rect(x: number, y: number, wide: number, high: number, color: string): string {
  return `<rect x="${x.toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="${high}" fill="${color}"/>`;
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${more}>${content}</text>`;
}
