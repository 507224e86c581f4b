import { useEffect, useRef, useState } from "preact/hooks";
import { clock } from "../connection/session.js";
import { type Arrangement, arrange } from "./arrange.js";
import type { FoundKey } from "./scan.js";

/**
 * Found keys as they are arranged. While more come they are arranged anew no more often than a fraction of the time allows, since that of
 * a hundred thousand takes a tenth of a second.
 */
export function useArranged(found: readonly FoundKey[], arrangement: Arrangement): readonly FoundKey[] {
  const [rows, setRows] = useState<readonly FoundKey[]>([]);
  const known = useRef({ arrangement, costMs: 0, doneAt: 0 });
  useEffect(() => {
    const { costMs, doneAt } = known.current;
    const isAsked = known.current.arrangement !== arrangement;
    const waitMs = isAsked ? 0 : Math.max(0, doneAt + costMs * 8 - performance.now());
    const timer = setTimeout(() => {
      const from = performance.now();
      setRows(arrange(found, arrangement, clock.now()));
      const doneAt = performance.now();
      known.current = { arrangement, costMs: doneAt - from, doneAt };
    }, waitMs);
    return () => clearTimeout(timer);
  }, [found, arrangement]);
  return rows;
}
