import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

export interface VirtualRowsProps {
  readonly count: number;
  /** In pixels, the same for all. */
  readonly rowHeight: number;
  /** The element that scrolls, in which the rows stand. */
  readonly scroller: RefObject<HTMLElement | null>;
  /** A row that exists wherever it is, since something refers to it. */
  readonly pinned?: number;
  /** Renders a row at its place, by a style that it has to carry. */
  readonly row: (index: number, style: { readonly transform: string; readonly height: string }) => ComponentChildren;
}

/** Rows beyond the edges, so that a turn of the wheel meets no gap. */
const overscan = 10;

/** Rows of which only those exist that are seen. */
export function VirtualRows({ count, rowHeight, scroller, row, pinned = -1 }: VirtualRowsProps) {
  const [range, setRange] = useState({ first: 0, last: 60 });

  function measure() {
    const element = scroller.current;
    if (element !== null) {
      const first = Math.max(0, Math.floor(element.scrollTop / rowHeight) - overscan);
      const last = Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + overscan;
      setRange((before) => (before.first === first && before.last === last ? before : { first, last }));
    }
  }

  useLayoutEffect(measure, [count, rowHeight]);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) {
      return;
    }
    element.addEventListener("scroll", measure, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", measure);
      observer.disconnect();
    };
  }, [rowHeight]);

  const last = Math.min(range.last, count);
  const indexes = Array.from({ length: Math.max(0, last - range.first) }, (_, nth) => range.first + nth);
  if (pinned >= 0 && pinned < count && (pinned < range.first || pinned >= last)) {
    indexes.push(pinned);
  }
  return (
    <div class="virtual-rows" role="presentation" style={{ height: `${count * rowHeight}px` }}>
      {indexes.map((index) =>
        row(index, { transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }),
      )}
    </div>
  );
}

/** Scrolls no further than it takes to see a row, below a head that stays in sight. */
export function scrollToRow(element: HTMLElement, index: number, rowHeight: number, headHeight: number): void {
  const top = index * rowHeight;
  const seen = element.clientHeight - headHeight;
  if (top < element.scrollTop) {
    element.scrollTop = top;
  } else if (top + rowHeight > element.scrollTop + seen) {
    element.scrollTop = top + rowHeight - seen;
  }
}
