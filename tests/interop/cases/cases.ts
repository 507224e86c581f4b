import type { Case } from "./case.js";
import { counterCases } from "./counters.js";
import { manyKeysCases } from "./many-keys.js";
import { returnedEntryCases } from "./returned-entries.js";
import { valueCases } from "./values.js";

/** The one table of cases, good and bad, that every client goes through. */
export const cases: readonly Case[] = [...valueCases, ...returnedEntryCases, ...counterCases, ...manyKeysCases];
