import { folderNames, folderOf, guards } from "./folders.js";
import type { Mutant } from "./make-mutants.js";
import { reasonForNoTest, reasonToSurvive } from "./survivors.js";

export interface Verdict {
  readonly mutant: Mutant;
  readonly state: "killed" | "survived" | "unreached";
  /** The test file that has noticed it. */
  readonly test?: string;
  /** What it said. */
  readonly by?: string;
  /** The test that has failed, if it was one. */
  readonly title?: string;
}

/** What became of the slips, as a page of the docs. */
export function renderReport(verdicts: readonly Verdict[], possible: number): string {
  const rows = folderNames.map((name) =>
    rowOf(
      name,
      verdicts.filter(({ mutant }) => folderOf(mutant.file) === name),
    ),
  );
  const left = verdicts
    .filter(({ state }) => state !== "killed")
    .map(({ mutant, state }) => {
      const reason =
        reasonToSurvive(mutant) ??
        reasonForNoTest(mutant) ??
        (state === "unreached"
          ? "no test comes there"
          : "not looked at yet, or not judged again since a test was written");
      return `- \`${mutant.file}\`, ${mutant.rule}: \`${mutant.before}\` became \`${mutant.after}\`: ${reason}`;
    })
    .sort();
  const guardRows = [...guards].map(([name, isOf]) =>
    rowOf(
      name,
      verdicts.filter(({ mutant }) => isOf.test(mutant.file)),
    ),
  );
  return `# Tests, and what they notice

Made by \`npm run test:mutants -- --write\`. It puts small slips into a copy of the sources, one at a time: a condition negated, \`&&\` for
\`||\`, a bound moved by one, a call left out, another number, arguments swapped, \`attribute_exists\` for \`attribute_not_exists\`. Which
come first is drawn by lot, from each folder in turn, and slips in guards are drawn more often. Those tests are run that enter the block
in which the slip stands, until the first that fails: those that have noticed others in the same source file, those that enter fewest
other blocks, and of the rest, those about its folder before all, the quickest, for 16 seconds at most. One process runs them for many
slips; what fails with one has to pass without it in the same process. A slip with which all of them pass has survived; \`--again\` tries it
with more tests. One with which a test took too long has been noticed only if it does so again, and the tests pass without the slip.
Slips are made in the code as esbuild prints it, without types, comments and imports; what is only told to people is left alone. Slow
tests, which kill servers or weigh memory, do not take part, nor do those in \`tests/\`: a slip that only they notice counts as one that
has survived.

Of ${possible} slips that can be made, ${verdicts.length} were. An equivalent slip changes nothing that anybody could see.

| folder | slips | killed | equivalent | share of the others |
|---|---|---|---|---|
${rows.join("\n")}

What is promised of rights, conditions, expiry and exactly once stands in some of these files:

| guards of | slips | killed | equivalent | share of the others |
|---|---|---|---|---|
${guardRows.join("\n")}

## Those that survived

${left.join("\n")}
`;
}

function rowOf(name: string, own: readonly Verdict[]): string {
  const killed = own.filter(({ state }) => state === "killed").length;
  const excused = own.filter((each) => each.state !== "killed" && reasonToSurvive(each.mutant) !== undefined).length;
  const share = own.length === excused ? "" : `${Math.floor((100 * killed) / (own.length - excused))} %`;
  return `| ${name} | ${own.length} | ${killed} | ${excused} | ${share} |`;
}
