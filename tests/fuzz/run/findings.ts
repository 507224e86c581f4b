/** What was found, each once, with how often it was. */
export interface Findings {
  readonly list: ReadonlyMap<string, number>;
  add(problem: string): void;
}

/** Numbers differ from one time to the next. */
const anyNumber = /\d+(\.\d+)?/g;

export function createFindings(print: (text: string) => void): Findings {
  const list = new Map<string, number>();
  const known = new Map<string, string>();
  return {
    list,
    add(problem) {
      const form = problem.replace(anyNumber, "N");
      const first = known.get(form) ?? problem;
      known.set(form, first);
      list.set(first, (list.get(first) ?? 0) + 1);
      if (first === problem && list.get(first) === 1) {
        print(`found: ${problem}\n`);
      }
    },
  };
}
