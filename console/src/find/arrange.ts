import type { FoundKey } from "./scan.js";

export type SortColumn = "key" | "bytes" | "writtenAt" | "expiresAt";

/** In which order, and which of them, found keys are shown. */
export interface Arrangement {
  readonly column: SortColumn;
  readonly isDescending: boolean;
  /** Only keys that hold this text, whatever the case. */
  readonly text: string;
  readonly kind: "all" | "value" | "counter" | "expiring" | "unreadable";
}

export const initialArrangement: Arrangement = { column: "key", isDescending: false, text: "", kind: "all" };

/** Leaves out what has expired since it was found. */
export function arrange(
  found: readonly FoundKey[],
  { column, isDescending, text, kind }: Arrangement,
  now: number,
): readonly FoundKey[] {
  const wanted = text.toLowerCase();
  const shown = found.filter(
    (each) =>
      (each.expiresAt === undefined || each.expiresAt > now) &&
      (kind === "all" || (kind === "expiring" ? each.expiresAt !== undefined : each.kind === kind)) &&
      (wanted === "" || each.key.toLowerCase().includes(wanted)),
  );
  const sign = isDescending ? -1 : 1;
  return shown.sort((a, b) => sign * compare(a[column], b[column]) || compare(a.key, b.key));
}

/** By code units, which is fast and the same everywhere. What is not known comes last. */
function compare(a: string | number | undefined, b: string | number | undefined): number {
  if (a === b) {
    return 0;
  }
  if (a === undefined || b === undefined) {
    return a === undefined ? 1 : -1;
  }
  return a < b ? -1 : 1;
}
