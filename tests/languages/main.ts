/**
 * Does what docs/languages/ says, in a folder of its own for each language, while the server loses every third answer of the
 * engine's, and compares what the programs print. What it takes from package registries is kept by their own tools.
 *
 *     npm run test:languages                 all whose tools are on this machine
 *     npm run test:languages -- python go    only those named
 *
 * Exit code: 0 when all was as it should be, 1 when something was not, 2 for wrong arguments.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { root } from "../../tools/root.js";
import { type Language, languages, readPage } from "./pages.js";
import { runShell } from "./run-shell.js";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const { startLossyServer } = await import("./lossy-server.js");

const named = process.argv.slice(2);
const unknown = named.find((name) => !(name in languages));
if (unknown !== undefined) {
  process.stderr.write(`there is no page for '${unknown}'; there are ${Object.keys(languages).join(", ")}\n`);
  process.exit(2);
}
const chosen = (named.length > 0 ? named : Object.keys(languages)) as Language[];
const results = { passed: 0, failed: 0, skipped: 0 };
for (const language of chosen) {
  const tool = languages[language];
  const { code } = await runShell(`command -v ${tool}`, root, {});
  if (code !== 0) {
    results.skipped++;
    print(`${language}: skipped, there is no ${tool} on this machine`);
    continue;
  }
  const problem = await tryPage(language);
  results[problem === undefined ? "passed" : "failed"]++;
  print(`${language}: ${problem ?? "counts exactly"}`);
}
print(`${results.passed} passed, ${results.failed} failed, ${results.skipped} skipped`);
process.exit(results.failed > 0 ? 1 : 0);

/** What is wrong; undefined for nothing. */
async function tryPage(language: Language): Promise<string | undefined> {
  const { files, setup, run, output } = readPage(language);
  const folder = mkdtempSync(join(tmpdir(), `dynakv-${language}-`));
  const server = await startLossyServer();
  try {
    cpSync(join(root, "proto"), join(folder, "proto"), { recursive: true });
    for (const [name, text] of files) {
      writeFileSync(join(folder, name), text);
    }
    const environment = {
      DYNAKV_ADDRESS: server.address,
      PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}`,
    };
    for (const script of [setup, run]) {
      const { code, stdout, stderr } = await runShell(script, folder, environment);
      if (code !== 0) {
        return `ended with ${code}\n${script}\n${stdout}\n${stderr}`;
      }
      // Maven resets the colours of the terminal, also where there are none.
      if (script === run && stripVTControlCharacters(stdout).trim() !== output.trim()) {
        return `printed\n${stdout}\nand not, as its page says,\n${output}`;
      }
    }
    return server.lost() > 0 ? undefined : "no answer was lost";
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
