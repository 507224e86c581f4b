// Loaded before a test: notes which blocks it enters, and writes them to the file that DYNAKV_MUTANT_HITS names.
import { appendFileSync } from "node:fs";

const hits = new Set();
globalThis.dynakvHit = (block) => hits.add(block);
process.on("exit", () => appendFileSync(process.env.DYNAKV_MUTANT_HITS, [...hits, ""].join("\n")));
