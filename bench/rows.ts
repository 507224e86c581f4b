import type { Load } from "./load.js";
import type { Column } from "./ways/way.js";

/** A row of the report: the same load on each way. */
export interface Row extends Omit<Load, "milliseconds"> {
  readonly id: string;
  readonly title: string;
  readonly columns: readonly Column[];
}

const ways: readonly Column[] = ["dynakv", "sdk", "sdk-tuned"];
const operations = ["get", "set", "incr"] as const;
const titles = { get: "Get", set: "Set", incr: "Incr" } as const;

function callRow(operation: (typeof operations)[number], inFlight: number, valueBytes = 1000): Row {
  const size = operation === "incr" ? "" : `, ${sizeTitle(valueBytes)}`;
  return {
    id: `${operation}-${inFlight}${valueBytes === 1000 ? "" : `-${valueBytes}`}`,
    title: `${titles[operation]}, ${inFlight} in flight${size}`,
    operation,
    inFlight,
    valueBytes,
    columns: ways,
  };
}

function mgetRow(keys: number): Row {
  return {
    id: `mget-${keys}`,
    title: `MGet of ${keys.toLocaleString("en")} keys, 1 KB`,
    operation: "mget",
    inFlight: 1,
    valueBytes: 1000,
    keys,
    columns: [...ways, "sdk-16", "celery"],
  };
}

function sizeTitle(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${bytes / 1000} KB`;
}

const hotKey: Row = {
  ...callRow("get", 256),
  id: "hot-key",
  title: "Get of one hot key, 256 in flight, 1 KB",
  hot: true,
};
const hotCounter: Row = {
  ...callRow("incr", 256),
  id: "hot-counter",
  title: "Incr of one hot counter, 256 in flight",
  hot: true,
};

/** What the lines of the goal need that `--quick` tells about. */
export const quickRows: readonly Row[] = [callRow("get", 64), callRow("get", 1), mgetRow(10_000), hotKey, hotCounter];

/** Everything on the endpoint that answers at once, but for the million keys, which are read beside the memory. */
export const fullRows: readonly Row[] = [
  ...operations.flatMap((operation) => [1, 8, 64, 256].map((inFlight) => callRow(operation, inFlight))),
  ...(["get", "set"] as const).flatMap((operation) =>
    [100, 10_000, 100_000].map((valueBytes) => callRow(operation, 64, valueBytes)),
  ),
  mgetRow(100),
  mgetRow(10_000),
  hotKey,
  hotCounter,
];

/** What is run on the embedded engine. */
export const embeddedRows: readonly Row[] = [
  ...operations.flatMap((operation) => [1, 64].map((inFlight) => callRow(operation, inFlight))),
  mgetRow(100),
  mgetRow(10_000),
  hotKey,
  hotCounter,
];

/** A million keys, which Celery's way would read for a quarter of an hour. */
export const millionRow: Row = { ...mgetRow(1_000_000), columns: ways };

/** Rows by their ids, such as `get-64`, `set-64-100000` or `mget-10000`. */
export function rowsNamed(ids: readonly string[]): readonly Row[] {
  return ids.map((id) => {
    const row = [...fullRows, millionRow].find((each) => each.id === id);
    if (row === undefined) {
      throw new Error(
        `there is no row ${id}; there are ${[...fullRows, millionRow].map((each) => each.id).join(", ")}`,
      );
    }
    return row;
  });
}
