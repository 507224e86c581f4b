// Runs the test files that it is given in one process, one after another in their order: to load the server takes longer than most.
import { resolve } from "node:path";
import { run } from "uvu/run";

await run(process.argv.slice(2).map((name) => ({ name, file: resolve(name) })));
