// Writes the URL of each module that is loaded to the file that DYNAKV_LOADED names.
import { appendFileSync } from "node:fs";
import { createRequire, register } from "node:module";

const hooks = `
import { appendFileSync } from "node:fs";
export async function load(url, context, next) {
  appendFileSync(process.env.DYNAKV_LOADED, url + "\\n");
  return next(url, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`, import.meta.url);

// What is required does not pass there.
const { cache } = createRequire(import.meta.url);
process.on("exit", () => appendFileSync(process.env.DYNAKV_LOADED, `${Object.keys(cache).join("\n")}\n`));
