// Loaded before a test and all that it starts: notes which blocks they enter, and writes them to the file that its own URL names, since
// what a test starts may get no environment.
import { appendFileSync } from "node:fs";

const hits = new Set();
globalThis.dynakvHit = (block) => hits.add(block);
const to = new URL(import.meta.url).searchParams.get("to");
process.on("exit", () => appendFileSync(to, [...hits, ""].join("\n")));
