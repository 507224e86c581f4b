import { exitCodes } from "../../common/command-line/exit-codes.js";
import { CommandError } from "./report-failure.js";

/** The flag of commands that read. */
export const strongFlag = {
  strong: {
    type: "boolean",
    help: "strongly consistent read, at twice the cost; the default is eventually consistent",
  },
} as const;

/** The options of the client's reads. */
export function readOptions({ strong }: { readonly strong: boolean }): { readonly consistency: "strong" | "eventual" } {
  return { consistency: strong ? "strong" : "eventual" };
}

/** The error of commands on one key that has no entry. */
export function missing(): CommandError {
  return new CommandError("no entry at this key", exitCodes.no);
}
