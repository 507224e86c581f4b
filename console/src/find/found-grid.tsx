import { useEffect, useId, useRef, useState } from "preact/hooks";
import { scrollToRow, VirtualRows } from "../ui/virtual-rows.js";
import { VisibleText } from "../ui/visible-text.js";
import { bytesExactly, bytesShortly } from "../values/sizes.js";
import { ago, duration, localTime } from "../values/times.js";
import type { Arrangement, SortColumn } from "./arrange.js";
import type { FoundKey } from "./scan.js";

export interface FoundGridProps {
  readonly rows: readonly FoundKey[];
  readonly arrangement: Arrangement;
  readonly onArrange: (arrangement: Arrangement) => void;
  /** The key whose entry is shown. */
  readonly openKey: string | undefined;
  readonly onOpen: (key: string) => void;
  /** The server's time. */
  readonly now: number;
}

const rowHeight = 34;
/** Of the row of titles, which stays in sight. */
const headHeight = 32;
const columns: readonly (readonly [SortColumn, string])[] = [
  ["key", "Key"],
  ["bytes", "Size"],
  ["writtenAt", "Written"],
  ["expiresAt", "Expires"],
];

/** What was found, of which only the rows exist that are seen. One stop for the Tab key; arrows move within it. */
export function FoundGrid({ rows, arrangement, onArrange, openKey, onOpen, now }: FoundGridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const [active, setActive] = useState(0);
  const current = Math.min(active, rows.length - 1);

  // Follows a key that was opened elsewhere; once, so that the list stays where it was scrolled to.
  const followed = useRef<string | undefined>(undefined);
  useEffect(() => {
    const index = openKey === undefined ? -1 : rows.findIndex(({ key }) => key === openKey);
    if (index >= 0) {
      setActive(index);
      if (followed.current !== openKey && scroller.current !== null) {
        scrollToRow(scroller.current, index, rowHeight, headHeight);
      }
      followed.current = openKey;
    }
  }, [openKey, rows]);

  function moveTo(index: number) {
    const next = Math.max(0, Math.min(rows.length - 1, index));
    setActive(next);
    if (scroller.current !== null) {
      scrollToRow(scroller.current, next, rowHeight, headHeight);
    }
  }

  function handleKey(event: KeyboardEvent) {
    // The buttons in its head have keys of their own.
    if (event.target !== event.currentTarget) {
      return;
    }
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      PageDown: current + page,
      PageUp: current - page,
      Home: 0,
      End: rows.length - 1,
    };
    const step = Object.hasOwn(steps, event.key) ? steps[event.key] : undefined;
    if (step !== undefined) {
      event.preventDefault();
      moveTo(step);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      const row = rows[current];
      if (row !== undefined) {
        onOpen(row.key);
      }
    }
  }

  function sortBy(column: SortColumn) {
    const isSame = arrangement.column === column;
    onArrange({ ...arrangement, column, isDescending: isSame ? !arrangement.isDescending : column !== "key" });
  }

  return (
    <div
      ref={scroller}
      class="grid"
      role="grid"
      tabIndex={0}
      aria-label="Found keys: arrows move, Enter opens"
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      aria-activedescendant={current >= 0 ? `${id}-${current}` : undefined}
      onKeyDown={handleKey}
    >
      <div class="grid-head grid-row" role="row" aria-rowindex={1}>
        {columns.map(([column, title]) => {
          const isSorted = arrangement.column === column;
          const order = arrangement.isDescending ? "descending" : "ascending";
          return (
            <div key={column} class={`cell ${column}`} role="columnheader" aria-sort={isSorted ? order : "none"}>
              <button type="button" onClick={() => sortBy(column)}>
                {title}
                {isSorted && <span aria-hidden="true">{arrangement.isDescending ? "↓" : "↑"}</span>}
              </button>
            </div>
          );
        })}
      </div>
      <VirtualRows
        count={rows.length}
        pinned={current}
        rowHeight={rowHeight}
        scroller={scroller}
        row={(index, style) => {
          const found = rows[index] as FoundKey;
          const isOpen = found.key === openKey;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the body of the grid takes the keys, and tells which row is active.
            <div
              key={index}
              id={`${id}-${index}`}
              class={`grid-row${index === current ? " active" : ""}${isOpen ? " open" : ""}`}
              role="row"
              tabIndex={-1}
              aria-rowindex={index + 2}
              aria-selected={isOpen}
              style={style}
              onClick={() => {
                setActive(index);
                onOpen(found.key);
              }}
            >
              <div class="cell key" role="gridcell">
                <VisibleText text={found.key} />
              </div>
              <div class="cell bytes" role="gridcell" title={bytesExactly(found.bytes)}>
                {found.kind === "value" ? bytesShortly(found.bytes) : <span class="tag">{found.kind}</span>}
              </div>
              <div class="cell writtenAt" role="gridcell" title={titleOf(found.writtenAt)}>
                {found.writtenAt === undefined ? "–" : ago(now - found.writtenAt, 1)}
              </div>
              <div class="cell expiresAt" role="gridcell" title={titleOf(found.expiresAt)}>
                {found.expiresAt === undefined ? "never" : `in ${duration(found.expiresAt - now, 1)}`}
              </div>
            </div>
          );
        }}
      />
    </div>
  );
}

function titleOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : localTime(new Date(ms));
}
