/**
 * Attacks a server in little memory, with an ordinary caller beside: docs/hostile-input.md.
 *
 *     npm run attack -- [--seconds N] [--memory 512,1024] [--only name,…]
 *
 * Exit code: 0 when every server was alive, refused by typed errors and stayed within its memory, 1 when not, 2 for wrong arguments.
 */
import { parseArgs } from "node:util";
import { renderTable } from "../../tools/markdown.js";
import { attacks } from "./attacks.js";
import { type AttackResult, runAttack } from "./run-attack.js";

const print = (text: string) => process.stdout.write(text);

/** What Gets keep of their rate beside an attack, and how long they may take. */
const leastShare = 0.7;
const mostP99Ms = 200;
const mostHeldMs = 50;

process.exitCode = await run();

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "20" },
      memory: { type: "string", default: "512,1024" },
      only: { type: "string" },
    },
  });
  const seconds = Number(values.seconds);
  const sizes = values.memory.split(",").map(Number);
  const names = values.only?.split(",");
  const chosen = attacks.filter(({ name }) => names?.includes(name) ?? true);
  if (!(seconds > 0) || !sizes.every((size) => size >= 256) || chosen.length < (names?.length ?? 1)) {
    process.stderr.write(
      `--seconds is a number above 0, --memory has megabytes, --only names of: ${attacks.map(({ name }) => name).join(", ")}\n`,
    );
    return 2;
  }
  const rows: string[][] = [];
  const findings: string[] = [];
  for (const megabytes of sizes) {
    for (const attack of chosen) {
      print(`${attack.name} (${attack.what}), ${megabytes} MiB, ${seconds} s\n`);
      const result = await runAttack(attack, megabytes, seconds * 1000);
      const problems = problemsOf(result, megabytes);
      rows.push(rowOf(attack.name, megabytes, result));
      print(`  ${JSON.stringify(result)}\n${problems.map((problem) => `  ! ${problem}\n`).join("")}`);
      findings.push(...problems.map((problem) => `${attack.name}, ${megabytes} MiB: ${problem}`));
    }
  }
  print(
    `\n${renderTable(["attack", "MiB", "alive", "Gets/s alone → beside", "p99 ms", "loop late ms", "of it held", "cores alone → beside", "most MB", "calls ended"], rows)}\n`,
  );
  print(findings.length === 0 ? "all was well\n" : findings.map((finding) => `- ${finding}\n`).join(""));
  return findings.length === 0 ? 0 : 1;
}

function problemsOf({ death, alone, beside, watched, ends }: AttackResult, megabytes: number): string[] {
  if (beside === undefined || watched === undefined) {
    return [`the server has ended: ${death}`];
  }
  const problems: string[] = [];
  const check = (isGood: boolean, problem: string) => isGood || problems.push(problem);
  const share = beside.perSecond / alone.perSecond;
  check(share >= leastShare, `Gets had ${Math.round(share * 100)} % of their rate`);
  check(beside.p99 <= mostP99Ms, `p99 of Gets was ${Math.round(beside.p99)} ms`);
  check(Object.keys(beside.failed).length === 0, `Gets failed: ${JSON.stringify(beside.failed)}`);
  check(watched.heldMs <= mostHeldMs, `the event loop was held for ${Math.round(watched.heldMs)} ms`);
  check(watched.peakRssBytes < megabytes * 1024 * 1024, `it held ${Math.round(watched.peakRssBytes / 1e6)} MB`);
  const untyped = Object.entries(ends).filter(([end]) => !/^(\d+|ENHANCE_YOUR_CALM|CANCEL)$/.test(end));
  check(untyped.length === 0, `calls ended otherwise than by a typed error: ${JSON.stringify(untyped)}`);
  return problems;
}

function rowOf(
  name: string,
  megabytes: number,
  { death, alone, before, beside, watched, ends }: AttackResult,
): string[] {
  return [
    name,
    String(megabytes),
    death ?? "yes",
    `${Math.round(alone.perSecond)} → ${Math.round(beside?.perSecond ?? 0)}`,
    `${Math.round(alone.p99)} → ${Math.round(beside?.p99 ?? Number.NaN)}`,
    String(Math.round(watched?.delayMs ?? Number.NaN)),
    String(Math.round(watched?.heldMs ?? Number.NaN)),
    `${before.cores.toFixed(2)} → ${(watched?.cores ?? Number.NaN).toFixed(2)}`,
    String(Math.round((watched?.peakRssBytes ?? Number.NaN) / 1e6)),
    Object.entries(ends)
      .map(([end, times]) => `${end}: ${times}`)
      .join(", "),
  ];
}
