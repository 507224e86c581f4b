import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { root } from "../run-uvu.js";

const testFolder = join(root, "server/test");

/** Test files that could speak to another engine, and yet are not run against it. */
const leftOut: Readonly<Record<string, string>> = {
  "access-log.test.ts": "it is about what is logged, whatever engine is behind it",
  "consumed-capacity.test.ts": "not every engine tells what a request consumes",
  "access.test.ts": "it is about who may call, whatever engine is behind it",
  "access-changes.test.ts": "it is about who may call, whatever engine is behind it",
  "large-bodies.test.ts": "it is about what this server holds, whatever engine is behind it",
  "lifecycle.test.ts": "it starts embedded engines of its own",
  "metrics.test.ts": "not every engine tells what a request consumes",
  "memory.test.ts": "it weighs this server's own process, whatever engine is behind it",
  "port.test.ts": "it tests the port alone, without an engine",
  "secrets.test.ts": "it plants secrets that an engine which verifies signatures refuses",
  "traces.test.ts": "not every engine tells what a request consumes",
};

/**
 * The test files that are about what a server does on its engine: those that reach `support/engine.ts` by their imports. A
 * new test file joins by itself.
 */
export function listBehaviouralFiles(endpoint: string): { files: string[]; leftOut: Record<string, string> } {
  const files: string[] = [];
  const reasons: Record<string, string> = {};
  for (const name of readdirSync(testFolder).sort()) {
    const imports = name.endsWith(".test.ts") ? importsOf(join(testFolder, name)) : new Set<string>();
    if (!imports.has("support/engine.ts")) {
      continue;
    }
    const reason = leftOut[name] ?? reasonOfEndpoint(endpoint, imports);
    if (reason === undefined) {
      files.push(name);
    } else {
      reasons[name] = reason;
    }
  }
  return { files, leftOut: reasons };
}

function reasonOfEndpoint(endpoint: string, imports: Set<string>): string | undefined {
  return endpoint.startsWith("https:") && imports.has("../src/faults/index.ts")
    ? "its proxy between server and engine speaks plain HTTP only"
    : undefined;
}

/** The files that a test imports, and those that the ones among them in the test folder import. */
function importsOf(file: string, seen = new Set<string>()): Set<string> {
  for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(/from "(\.\.?\/[^"]+)\.js"/g)) {
    const path = resolve(dirname(file), `${specifier}.ts`);
    const name = relative(testFolder, path);
    if (!seen.has(name)) {
      seen.add(name);
      if (!name.startsWith("..")) {
        importsOf(path, seen);
      }
    }
  }
  return seen;
}

export function suiteNameOf(file: string): string {
  return basename(file, ".test.ts");
}
