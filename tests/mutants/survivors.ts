import type { Mutant } from "./make-mutants.js";

/** Slips that change nothing that anybody could see, and why not. */
const equivalent: readonly {
  readonly file: string;
  readonly before: string;
  readonly after?: string;
  readonly why: string;
}[] = [];

export function reasonToSurvive({ file, before, after }: Mutant): string | undefined {
  return equivalent.find(
    (each) =>
      file.endsWith(each.file) &&
      before.includes(each.before) &&
      (each.after === undefined || after.includes(each.after)),
  )?.why;
}
