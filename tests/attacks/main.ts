/**
 * Attacks a server in little memory, with an ordinary caller beside: docs/hostile-input.md.
 *
 *     npm run attack -- [--seconds N] [--memory 512,1024] [--only name,…]
 *
 * Exit code: 0 when every server was alive, refused by typed errors and stayed within its memory, 1 when not, 2 for wrong arguments.
 */
import { parseArgs } from "node:util";
import { renderTable } from "../../tools/markdown.js";
import { median } from "../../tools/statistics.js";
import { attacks } from "./attacks.js";
import { type AttackResult, type Round, rounds, runAttack } from "./run-attack.js";
import type { Watched } from "./watch.js";

const print = (text: string) => process.stdout.write(text);

/** What Gets keep of their rate beside an attack, and how long they may take. */
const leastShare = 0.7;
const mostP99Ms = 200;
const mostHeldMs = 50;

process.exitCode = await run();

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "24" },
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
      print(`${attack.name} (${attack.what}), ${megabytes} MiB, ${rounds} times ${seconds / rounds} s\n`);
      const result = await runAttack(attack, megabytes, seconds * 1000);
      const problems = problemsOf(result, megabytes);
      rows.push(rowOf(attack.name, megabytes, result));
      print(`  ${JSON.stringify(result)}\n${problems.map((problem) => `  ! ${problem}\n`).join("")}`);
      findings.push(...problems.map((problem) => `${attack.name}, ${megabytes} MiB: ${problem}`));
    }
  }
  print(
    `\n${renderTable(["attack", "MiB", "alive", "Gets/s alone → beside", "of their rate", "p99 ms", "loop late ms", "of it held", "server's cores", "engine and caller", "attacker", "most MB", "calls ended"], rows)}\n`,
  );
  print(findings.length === 0 ? "all was well\n" : findings.map((finding) => `- ${finding}\n`).join(""));
  return findings.length === 0 ? 0 : 1;
}

function problemsOf({ death, rounds: done, ends }: AttackResult, megabytes: number): string[] {
  if (death !== undefined) {
    return [`the server has ended: ${death}`];
  }
  const problems: string[] = [];
  const check = (isGood: boolean, problem: string) => isGood || problems.push(problem);
  const { share, p99, heldMs, peakRssBytes } = summaryOf(done);
  check(share >= leastShare, `Gets had ${Math.round(share * 100)} % of their rate`);
  check(p99 <= mostP99Ms, `p99 of Gets was ${Math.round(p99)} ms`);
  const failed = done.map(({ beside }) => beside.gets.failed).filter((each) => Object.keys(each).length > 0);
  check(failed.length === 0, `Gets failed: ${JSON.stringify(failed)}`);
  check(heldMs <= mostHeldMs, `the event loop was held for ${Math.round(heldMs)} ms`);
  check(peakRssBytes < megabytes * 1024 * 1024, `it held ${Math.round(peakRssBytes / 1e6)} MB`);
  const untyped = Object.entries(ends).filter(([end]) => !/^(\d+|ENHANCE_YOUR_CALM|CANCEL)$/.test(end));
  check(untyped.length === 0, `calls ended otherwise than by a typed error: ${JSON.stringify(untyped)}`);
  return problems;
}

/** Of times, rates and processors the medians of the rounds, of the rest the most. */
function summaryOf(done: readonly Round[]) {
  const middle = (of: (round: Round) => number) => median(done.map(of));
  const most = (of: (watched: Watched) => number) => Math.max(...done.map(({ beside }) => of(beside.watched)));
  const both = (of: (stretch: Round["alone"]) => number) => [
    middle(({ alone }) => of(alone)),
    middle(({ beside }) => of(beside)),
  ];
  return {
    share: middle(({ share }) => share),
    p99: middle(({ beside }) => beside.gets.p99),
    delayMs: most(({ delayMs }) => delayMs),
    heldMs: most(({ heldMs }) => heldMs),
    peakRssBytes: most(({ peakRssBytes }) => peakRssBytes),
    rates: both(({ gets }) => gets.perSecond),
    p99s: both(({ gets }) => gets.p99),
    cores: both(({ watched }) => watched.cores),
    others: both(({ others }) => others),
    attacker: middle(({ beside }) => beside.attacker),
  };
}

function rowOf(name: string, megabytes: number, { death, rounds: done, ends }: AttackResult): string[] {
  const { share, delayMs, heldMs, peakRssBytes, rates, p99s, cores, others, attacker } = summaryOf(done);
  const change = (numbers: readonly number[], digits = 0) => numbers.map((each) => each.toFixed(digits)).join(" → ");
  return [
    name,
    String(megabytes),
    death ?? "yes",
    change(rates),
    `${Math.round(share * 100)} %`,
    change(p99s),
    delayMs.toFixed(0),
    heldMs.toFixed(0),
    change(cores, 2),
    change(others, 2),
    attacker.toFixed(2),
    (peakRssBytes / 1e6).toFixed(0),
    Object.entries(ends)
      .map(([end, times]) => `${end}: ${times}`)
      .join(", "),
  ];
}
