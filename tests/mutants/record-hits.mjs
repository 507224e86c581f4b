// Loaded before the programs that a test starts: notes which blocks they enter, and writes them to the file that its own URL names, since
// they may get no environment. A test itself notes more: see warm-process.mjs.
import { appendFileSync } from "node:fs";

const blocks = new Set();
globalThis.dynakvHit = (block) => blocks.add(block);
const to = new URL(import.meta.url).searchParams.get("to");
process.on("exit", () => appendFileSync(to, `${JSON.stringify({ test: "", ms: 0, blocks: [...blocks] })}\n`));
