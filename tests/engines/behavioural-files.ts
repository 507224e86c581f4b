import { readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { root } from "../../tools/root.js";
import { listTestFiles, testFolders } from "../../tools/test-files.js";

/** Test files that could speak to another engine, and yet are not run against it. */
const leftOut: Readonly<Record<string, string>> = {
  "access-changes.test.ts": "it is about who may call, whatever engine is behind it",
  "access-log.test.ts": "it is about what is logged, whatever engine is behind it",
  "access.test.ts": "it is about who may call, whatever engine is behind it",
  "buf-curl.test.ts": "it is about what comes over the wire, whatever engine is behind it",
  "call-limits.test.ts": "it is about what this server lets in, whatever engine is behind it",
  "commands.test.ts": "it is about the command line, which knows the server alone",
  "console.test.ts": "it is about what a browser is sent, whatever engine is behind it",
  "consumed-capacity.test.ts": "not every engine tells what a request consumes",
  "credentials.test.ts": "it is about where the server's credentials come from, whatever engine is behind it",
  "direct-grpc.test.ts": "it is about what comes over the wire, whatever engine is behind it",
  "doctor-surroundings.test.ts": "it is about what is around a server besides its engine",
  "doctor.test.ts": "it is about what the command prints; doctor-table.test.ts is about the engine",
  "dropped-connections.test.ts": "it is about the connections of callers, whatever engine is behind it",
  "endpoints.test.ts": "it is about which endpoint is chosen, whatever engine is behind it",
  "examples.test.ts": "it is about what the docs print, whatever engine is behind it",
  "failed-calls.test.ts": "it is about what callers and the log are told, whatever engine is behind it",
  "fault-choice.test.ts": "it is about the proxy before the engine, whatever engine that is",
  "fault-proxy.test.ts": "it is about the proxy before the engine, whatever engine that is",
  "fault-timing.test.ts": "it is about the proxy before the engine, whatever engine that is",
  "healthcheck.test.ts": "it is about whether a server answers, whatever engine is behind it",
  "held-memory.test.ts": "it is about what this server holds, whatever engine is behind it",
  "host-guard.test.ts": "it is about who may call, whatever engine is behind it",
  "http-edges.test.ts": "it is about what comes over the wire, whatever engine is behind it",
  "json.test.ts": "it is about what comes over the wire, whatever engine is behind it",
  "keys.test.ts": "it is about the command line, which knows the server alone",
  "large-bodies.test.ts": "it is about what this server holds, whatever engine is behind it",
  "lifecycle.test.ts": "it starts embedded engines of its own",
  "memory-budget.test.ts": "it is about what this server holds, whatever engine is behind it",
  "memory.test.ts": "it weighs this server's own process, whatever engine is behind it",
  "metrics.test.ts": "not every engine tells what a request consumes",
  "network.test.ts": "it is about the way to the engine, whatever engine is at its end",
  "outage.test.ts": "it is about the way to the engine, whatever engine is at its end",
  "port-closing.test.ts": "it tests the port alone, without an engine",
  "port.test.ts": "it tests the port alone, without an engine",
  "protocol-errors.test.ts": "it is about what comes over the wire, whatever engine is behind it",
  "removals.test.ts": "it is about the command line, which knows the server alone",
  "rights.test.ts": "it is about who may call, whatever engine is behind it",
  "secrets.test.ts": "it plants secrets that an engine which verifies signatures refuses",
  "traces.test.ts": "not every engine tells what a request consumes",
  "transfer-export.test.ts": "it is about the files of the command line, which knows the server alone",
  "transfer-import.test.ts": "it is about the files of the command line, which knows the server alone",
};

/**
 * The test files that are about what a server does on its engine: those that reach `support/engine.ts` by their imports. A
 * new test file joins by itself.
 */
export function listBehaviouralFiles(endpoint: string): { files: string[]; leftOut: Record<string, string> } {
  const files: string[] = [];
  const reasons: Record<string, string> = {};
  for (const file of listTestFiles()) {
    // The client is its own: it is the server that meets engines.
    const imports = file.startsWith("client/") ? new Set<string>() : importsOf(join(root, file));
    if (!imports.has("server/test/support/engine.ts")) {
      continue;
    }
    const reason = leftOut[basename(file)] ?? reasonOfEndpoint(endpoint, imports);
    if (reason === undefined) {
      files.push(file);
    } else {
      reasons[file] = reason;
    }
  }
  return { files, leftOut: reasons };
}

function reasonOfEndpoint(endpoint: string, imports: Set<string>): string | undefined {
  return endpoint.startsWith("https:") && imports.has("server/src/faults/index.ts")
    ? "its proxy between server and engine speaks plain HTTP only"
    : undefined;
}

/** The files that a test imports, from the root, and those that the ones among them in folders of tests import. */
function importsOf(file: string, seen = new Set<string>()): Set<string> {
  for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(/from "(\.\.?\/[^"]+)\.js"/g)) {
    const path = resolve(dirname(file), `${specifier}.ts`);
    const name = relative(root, path);
    if (!seen.has(name)) {
      seen.add(name);
      if (testFolders.some((folder) => name.startsWith(`${folder}/`))) {
        importsOf(path, seen);
      }
    }
  }
  return seen;
}

export function suiteNameOf(file: string): string {
  return basename(file, ".test.ts");
}
