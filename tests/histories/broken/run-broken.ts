import { join } from "node:path";
import { type RunOptions, runSeeds } from "../run/run-seeds.js";
import { type BrokenBuild, brokenBuilds } from "./broken-builds.js";
import { copySources } from "./copy-sources.js";

/** Runs seeds against broken builds, and prints which seed found each. Resolves to whether all were found. */
export async function runBroken(wanted: string, options: RunOptions): Promise<boolean> {
  const builds = brokenBuilds.filter(({ name }) => wanted === "all" || wanted === name);
  if (builds.length === 0) {
    print(`there is no broken build '${wanted}'; there are all, ${brokenBuilds.map(({ name }) => name).join(", ")}`);
    return false;
  }
  let isFound = true;
  for (const build of builds) {
    isFound = (await findViolation(build, options)) && isFound;
  }
  return isFound;
}

async function findViolation(build: BrokenBuild, options: RunOptions): Promise<boolean> {
  const folder = await copySources(build);
  const worker = join(folder, "tests/histories/run/seed-worker.ts");
  const reports = await runSeeds({ ...options, worker });
  const found = reports.find(({ failure }) => failure !== undefined);
  // Anything else than a history that is wrong would say nothing about the check of histories.
  const isViolation = found?.failure?.kind === "violation";
  print(`${build.name}: ${build.what}`);
  print(
    found === undefined
      ? `  NOT FOUND in ${reports.length} seeds`
      : `  ${isViolation ? "" : "NOT FOUND, but "}seed ${found.seed}, the ${reports.length}th, faults '${found.profile}': ${found.failure?.summary}`,
  );
  return isViolation;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
