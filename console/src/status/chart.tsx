import { useId, useState } from "preact/hooks";
import { maxSamples, sampleMs } from "./use-samples.js";

export interface Series {
  readonly name: string;
  /** Which of the colours of charts, from 1. */
  readonly colour: number;
  /** In the order of time, the last one is now; undefined where there is nothing to show. */
  readonly values: readonly (number | undefined)[];
}

export interface ChartProps {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
}

const width = 320;
const height = 96;

/** Lines of the last two minutes, with the highest value as the top. What it shows is told in words as well. */
export function Chart({ title, unit, series }: ChartProps) {
  const titleId = useId();
  const [pointed, setPointed] = useState<number | undefined>();
  const top = niceTop(Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const length = Math.max(0, ...series.map(({ values }) => values.length));
  const back = pointed === undefined ? 0 : Math.min(pointed, Math.max(0, length - 1));
  const shown = series.map((each) => ({ ...each, value: each.values.at(-1 - back) }));

  function point(event: PointerEvent & { readonly currentTarget: Element }) {
    const { left, width: shownWidth } = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - left) / shownWidth;
    setPointed(Math.round((1 - Math.max(0, Math.min(1, share))) * (maxSamples - 1)));
  }

  return (
    <figure class="chart" aria-labelledby={titleId}>
      <figcaption>
        <h3 id={titleId}>{title}</h3>
        <ul class="legend">
          {shown.map(({ name, colour, value }) => (
            <li key={name}>
              <span class={`swatch colour-${colour}`} aria-hidden="true" />
              <span class="legend-name">{name}</span> <strong>{value === undefined ? "–" : readable(value)}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot">
        <span class="plot-top" aria-hidden="true">
          {readable(top)} {unit}
        </span>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={describe(title, unit, series)}
          onPointerMove={point}
          onPointerLeave={() => setPointed(undefined)}
        >
          <line class="grid-line" x1="0" x2={width} y1="1" y2="1" />
          <line class="grid-line" x1="0" x2={width} y1={height / 2} y2={height / 2} />
          <line class="grid-line base" x1="0" x2={width} y1={height - 1} y2={height - 1} />
          {pointed !== undefined && length > 0 && (
            <line class="pointer" x1={xOf(back)} x2={xOf(back)} y1="0" y2={height} />
          )}
          {series.map(({ name, colour, values }) => (
            <path
              key={name}
              class={`line colour-${colour}`}
              d={pathOf(values, top)}
              vector-effect="non-scaling-stroke"
            />
          ))}
        </svg>
        <div class="plot-axis" aria-hidden="true">
          <span>2 min ago</span>
          <span>{pointed === undefined ? "now" : `${(back * sampleMs) / 1000} s ago`}</span>
        </div>
      </div>
    </figure>
  );
}

/** From so many samples back. */
function xOf(back: number): number {
  return width - (back / (maxSamples - 1)) * width;
}

function pathOf(values: readonly (number | undefined)[], top: number): string {
  let path = "";
  let isDrawing = false;
  values.forEach((value, index) => {
    if (value === undefined) {
      isDrawing = false;
      return;
    }
    const x = xOf(values.length - 1 - index).toFixed(1);
    const y = (height - 2 - (value / top) * (height - 4)).toFixed(1);
    // A single point is a line of no length, which round ends let be seen.
    path += isDrawing ? `L${x} ${y}` : `M${x} ${y}h0`;
    isDrawing = true;
  });
  return path;
}

/** 1, 2 or 5, times a power of ten. */
function niceTop(highest: number): number {
  if (highest <= 0) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= highest) ?? highest;
}

const exact = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });

function readable(value: number): string {
  return exact.format(value);
}

function describe(title: string, unit: string, series: readonly Series[]): string {
  const parts = series.map(({ name, values }) => {
    const known = values.filter((value) => value !== undefined);
    return known.length === 0
      ? `${name}: nothing yet`
      : `${name}: now ${readable(known.at(-1) ?? 0)}, at most ${readable(Math.max(...known))}`;
  });
  return `${title}, in ${unit}, over the last two minutes. ${parts.join("; ")}`;
}
