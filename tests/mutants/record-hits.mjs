// Loaded before a test and all that it starts: notes which blocks they enter, and writes them to the file that its own URL names, since
// what a test starts may get no environment. A test itself notes more: see run-files.mjs.
import { appendFileSync } from "node:fs";

const blocks = new Set();
globalThis.dynakvHit = (block) => blocks.add(block);
const to = new URL(import.meta.url).searchParams.get("to");
process.on("exit", () => appendFileSync(to, `${JSON.stringify({ test: "", ms: 0, blocks: [...blocks] })}\n`));
