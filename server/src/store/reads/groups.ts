/** Items in groups of at most so many, in their order. */
export function* inGroups<T>(items: Iterable<T>, most: number): Generator<T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length >= most) {
      yield group;
      group = [];
    }
  }
  if (group.length > 0) {
    yield group;
  }
}
