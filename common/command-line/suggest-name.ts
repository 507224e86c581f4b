/** `; did you mean X?` for the name that a wrong one most likely stands for, or nothing when none is near. */
export function suggestName(wrong: string, names: readonly string[]): string {
  const mostEdits = Math.max(2, Math.floor(wrong.length / 3));
  const [nearest] = names
    .map((name) => ({ name, edits: countEdits(wrong, name) }))
    .filter(({ edits }) => edits <= mostEdits)
    .sort((a, b) => a.edits - b.edits);
  return nearest === undefined ? "" : `; did you mean ${nearest.name}?`;
}

/** The Levenshtein distance. */
function countEdits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, character] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const above = row[column] ?? 0;
      const left = next[column - 1] ?? 0;
      const diagonal = (row[column - 1] ?? 0) + (to[column - 1] === character ? 0 : 1);
      next.push(Math.min(above + 1, left + 1, diagonal));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
