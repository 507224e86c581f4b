import { print } from "../tools/print.js";
import { median } from "../tools/statistics.js";
import { type Measurement, measure } from "./measure.js";
import type { Row } from "./rows.js";
import { type EngineKind, type Stack, startStack } from "./stack.js";
import type { Column } from "./ways/way.js";

export interface RoundsOptions {
  readonly engine: EngineKind;
  readonly rows: readonly Row[];
  readonly rounds: number;
  /** How long each way is measured in each row of a round. */
  readonly milliseconds: number;
}

/** What all rounds found of a row: of each round, what each way did. */
export interface RowResult {
  readonly row: Row;
  readonly rounds: readonly ReadonlyMap<Column, Measurement>[];
}

/**
 * Measures all rows in several rounds. Each round has new processes, since the same program differs from start to start more
 * than from second to second; within a row the ways take turns, and begin with another one each round.
 */
export async function runRounds({ engine, rows, rounds, milliseconds }: RoundsOptions): Promise<RowResult[]> {
  const results = rows.map((row) => ({ row, rounds: [] as Map<Column, Measurement>[] }));
  const columns = [...new Set(rows.flatMap((row) => row.columns))];
  for (let round = 0; round < rounds; round++) {
    print(`round ${round + 1} of ${rounds} on the ${engine}`);
    const stack = await startStack(engine, columns);
    try {
      await prepare(stack, engine, milliseconds);
      for (const result of results) {
        result.rounds.push(await runRow(stack, result.row, round, milliseconds));
      }
    } finally {
      await stack.stop();
    }
  }
  return results;
}

async function runRow(stack: Stack, row: Row, round: number, milliseconds: number) {
  const measured = new Map<Column, Measurement>();
  for (const turn of row.columns.keys()) {
    const column = row.columns[(turn + round) % row.columns.length] as Column;
    measured.set(column, await measure(stack, row, column, milliseconds));
  }
  const figures = row.columns.map((column) => {
    const { callerCpu = 0, serverCpu = 0 } = measured.get(column) ?? {};
    return `${column} ${Math.round(callerCpu)}${serverCpu === 0 ? "" : `+${Math.round(serverCpu)}`}`;
  });
  print(`  ${row.title}: ${figures.join(", ")} µs`);
  return measured;
}

/** Warms every process up, and fills an engine that keeps what it is given. */
async function prepare({ callers }: Stack, engine: EngineKind, milliseconds: number): Promise<void> {
  if (engine === "embedded") {
    await callers.get("dynakv")?.ask("fill", 1000);
  }
  for (const operation of ["get", "set", "incr"] as const) {
    for (const caller of callers.values()) {
      await caller.ask("run", { operation, inFlight: 32, valueBytes: 1000, milliseconds: milliseconds / 3 });
    }
  }
}

/** The median of a figure over the rounds; NaN for a way that the row does not have. */
export function figure({ rounds }: RowResult, column: Column, read: (measurement: Measurement) => number): number {
  return median(rounds.map((round) => valueIn(round, column, read)));
}

/** The median of a ratio that is taken within each round. */
export function ratio(
  { rounds }: RowResult,
  of: Column,
  to: Column,
  read: (measurement: Measurement) => number,
  readTo = read,
): number {
  return median(rounds.map((round) => valueIn(round, of, read) / valueIn(round, to, readTo)));
}

function valueIn(
  round: ReadonlyMap<Column, Measurement>,
  column: Column,
  read: (measurement: Measurement) => number,
): number {
  const measurement = round.get(column);
  return measurement === undefined ? Number.NaN : read(measurement);
}
