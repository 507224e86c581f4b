import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transform } from "esbuild";
import { toolsFolder } from "../../tools/cache.js";
import { root } from "../../tools/root.js";
import { createTestRunner, type TestRunner } from "./run-test.js";

/** Where what is known is kept: all clones share it, and `npm ci` leaves it. */
export const cache = join(toolsFolder(), "mutants");
/** Not below `node_modules`, where tsx and esbuild heed no tsconfig.json: the packages of this repository are found by it. */
const folder = join(tmpdir(), `dynakv-mutants-${process.pid}`);
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

const copied = [
  "README.md",
  "package.json",
  "tsconfig.json",
  "cli",
  "client",
  "common",
  "console",
  "deploy",
  "docs",
  "examples",
  "gen",
  "proto",
  "server",
  "tests",
  "tools",
];
const left = /(^|\/)(node_modules|dist)(\/|$)/;

/** A copy of the sources, of which those that can be changed are as esbuild prints them: a statement a line, without types. */
export interface Copy {
  readonly root: string;
  /** What each of the files that can be changed holds, by its path from the root. */
  readonly printed: ReadonlyMap<string, string>;
  readonly tests: TestRunner;
  /** Changes a line of a file. Resolves to what undoes it. */
  change(file: string, line: number, to: string): Promise<() => Promise<void>>;
}

/** Each of those that work at a time has a copy of its own. */
export async function copySources(lane: number, isChanged: (file: string) => boolean): Promise<Copy> {
  const target = join(folder, String(lane));
  await mkdir(target, { recursive: true });
  await mkdir(join(target, "tmp"));
  for (const path of copied) {
    await cp(join(root, path), join(target, path), {
      recursive: true,
      filter: (source) => !left.test(source.slice(root.length)),
    });
  }
  for (const path of ["node_modules", "client/node_modules", "server/node_modules", "cli/node_modules"]) {
    await mkdir(join(root, path), { recursive: true });
    await symlink(join(root, path), join(target, path));
  }
  const printed = new Map<string, string>();
  const files = await readdir(target, { recursive: true, encoding: "utf8" });
  for (const file of files.filter(
    (each) => /^[^/]+\/src\/.*(?<!\.d)\.ts$/.test(each) && !each.includes("node_modules"),
  )) {
    if (isChanged(file)) {
      const { code } = await transform(await readFile(join(target, file), "utf8"), { loader: "ts", target: "node20" });
      printed.set(file, code);
      await writeFile(join(target, file), withProbes(file, code));
    }
  }
  return {
    root: target,
    printed,
    tests: createTestRunner(target),
    async change(file, line, to) {
      const path = join(target, file);
      const before = withProbes(file, printed.get(file) ?? "");
      const lines = before.split("\n");
      lines[line] = to + probeOf(file, (printed.get(file) ?? "").split("\n"), line);
      await writeFile(path, lines.join("\n"));
      return () => writeFile(path, before);
    },
  };
}

/** Where a block begins: it tells that it was entered, if it is asked. */
const blockStart = /(\) \{|=> \{|\belse \{|\btry \{|\bfinally \{)$/;

function withProbes(file: string, code: string): string {
  const lines = code.split("\n");
  return lines.map((line, number) => line + probeOf(file, lines, number)).join("\n");
}

function probeOf(file: string, lines: readonly string[], number: number): string {
  return isProbed(lines[number] ?? "")
    ? ` globalThis.dynakvHit?.(${JSON.stringify(nameOfBlock(file, lines, number))});`
    : "";
}

/** The same after lines have changed elsewhere in the file. */
export function nameOfBlock(file: string, lines: readonly string[], number: number): string {
  const text = lines[number] ?? "";
  const earlier = lines.slice(0, number).filter((line) => line === text).length;
  return `${file}:${createHash("sha256").update(`${earlier} ${text}`).digest("hex").slice(0, 12)}`;
}

function isProbed(line: string): boolean {
  return blockStart.test(line) && !/^\s*switch\b/.test(line);
}

/** The line at which the block begins that a line stands in; undefined for one in none. */
export function blockOf(lines: readonly string[], line: number): number | undefined {
  const indentOf = (text: string) => text.length - text.trimStart().length;
  let indent = indentOf(lines[line] ?? "");
  for (let at = line - 1; at >= 0; at--) {
    const text = lines[at] ?? "";
    if (text !== "" && indentOf(text) < indent) {
      indent = indentOf(text);
      if (isProbed(text)) {
        return at;
      }
    }
  }
  return undefined;
}
