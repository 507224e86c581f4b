/** What one program was found to do: a column of one of the tables. */
export interface Column {
  readonly table: TableName;
  readonly title: string;
  readonly cells: readonly Cell[];
}

export interface Cell {
  readonly row: string;
  readonly text: string;
  /** What is wrong with it; unset: nothing. */
  readonly problem?: string;
}

/** The tables in their order, each by what its rows are. */
export const tableNames = ["case", "load by ghz", "health", "Celery", "what Celery writes", "celery-dynakv"] as const;
export type TableName = (typeof tableNames)[number];
