/** The folders whose guards are tried, by the names of the report. Those of rights and conditions come first. */
const folders: readonly (readonly [string, RegExp])[] = [
  ["access", /^server\/src\/access\//],
  ["service", /^server\/src\/service\//],
  ["store/writes", /^server\/src\/store\/writes\//],
  ["store/counters", /^server\/src\/store\/counters\//],
  ["store/layout", /^server\/src\/store\/layout\//],
  ["store/reads", /^server\/src\/store\/reads\//],
  ["store/table", /^server\/src\/store\/table\//],
  ["store/dynamodb", /^server\/src\/store\/dynamodb\//],
  ["calls", /^server\/src\/calls\//],
  ["admission", /^server\/src\/admission\//],
  ["errors", /^server\/src\/errors\//],
  ["client", /^client\/src\//],
  ["transfer", /^cli\/src\/transfer\//],
];

export const folderNames: readonly string[] = folders.map(([name]) => name);

export function folderOf(file: string): string | undefined {
  return folders.find(([, pattern]) => pattern.test(file))?.[0];
}

/** One of each folder in turn, and within a folder scattered over its files, the same each time. */
export function inTurn<T extends { readonly file: string }>(all: readonly T[]): T[] {
  const queues = folderNames.map((name) => scattered(all.filter(({ file }) => folderOf(file) === name)));
  const longest = Math.max(0, ...queues.map(({ length }) => length));
  return Array.from({ length: longest }, (_, n) => queues.flatMap((queue) => queue[n] ?? [])).flat();
}

function scattered<T>(items: readonly T[]): T[] {
  const place = (index: number) => (index * 0.6180339887) % 1;
  return items
    .map((item, index) => ({ item, place: place(index) }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
