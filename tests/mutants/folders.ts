/**
 * The folders whose guards are tried: the names of the report, their files, and the tests that are about them, which come before
 * others that reach them too. Those of rights and conditions come first.
 */
const folders: readonly (readonly [name: string, files: RegExp, tests: RegExp])[] = [
  ["access", /^server\/src\/access\//, /server\/test\/access\//],
  [
    "service",
    /^server\/src\/service\//,
    /access\.test|calls\/(limits|failed-calls|protocols)|conditions|expiry|touch|scan/,
  ],
  ["store/writes", /^server\/src\/store\/writes\//, /store\/writes\/|exactly-once/],
  ["store/counters", /^server\/src\/store\/counters\//, /store\/counters\//],
  ["store/layout", /^server\/src\/store\/layout\//, /store\/(writes|counters|celery)/],
  ["store/reads", /^server\/src\/store\/reads\//, /store\/reads\//],
  ["store/table", /^server\/src\/store\/table\//, /store\/table\/|expiry/],
  ["store/dynamodb", /^server\/src\/store\/dynamodb\//, /store\/dynamodb\//],
  ["calls", /^server\/src\/calls\//, /server\/test\/calls\//],
  ["admission", /^server\/src\/admission\//, /admission\/|large-bodies/],
  ["errors", /^server\/src\/errors\//, /failed-calls|protocols|conditions/],
  ["client", /^client\/src\//, /client\/test\//],
  ["transfer", /^cli\/src\/transfer\//, /transfer/],
];

export const folderNames: readonly string[] = folders.map(([name]) => name);

export function folderOf(file: string): string | undefined {
  return folders.find(([, pattern]) => pattern.test(file))?.[0];
}

/** Whether a test is about the folder that a file is in. */
export function isAbout(test: string, file: string): boolean {
  return folders.some(([, files, tests]) => files.test(file) && tests.test(test));
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
