/**
 * Writes the tables of the docs that are made from code: the settings in README.md and the reasons in docs/errors.md.
 *
 *     npm run docs
 */
import { readFile, writeFile } from "node:fs/promises";
import { renderReasonsTable } from "../server/src/error-reasons.js";
import { renderSettingsTable } from "../server/src/settings/help.js";

await replaceBetween("README.md", "settings", renderSettingsTable());
await replaceBetween("docs/errors.md", "reasons", renderReasonsTable());

async function replaceBetween(name: string, marker: string, table: string): Promise<void> {
  const file = new URL(`../${name}`, import.meta.url);
  const text = await readFile(file, "utf8");
  const [before, after] = [text.split(`<!-- ${marker} -->\n`)[0], text.split(`<!-- /${marker} -->`)[1]];
  if (before === undefined || after === undefined || before === text) {
    throw new Error(`${name} has no part between <!-- ${marker} --> and <!-- /${marker} -->`);
  }
  await writeFile(file, `${before}<!-- ${marker} -->\n${table}<!-- /${marker} -->${after}`);
}
