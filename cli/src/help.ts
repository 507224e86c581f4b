import { renderFlag } from "../../common/command-line/render-flag.js";
import type { ClientCommand } from "./command.js";
import { summaries } from "./commands.js";
import { connectionFlags } from "./connection-flags.js";
import type { FlagDefinitions } from "./flags.js";

/** Usage line for usage errors. */
export const usage = "usage: dynakv COMMAND (dynakv help lists them)";

/** The text of `dynakv help`. */
export function renderOverview(): string {
  const width = Math.max(...Object.keys(summaries).map((name) => name.length));
  const lines = Object.entries(summaries).map(([name, summary]) => `  ${name.padEnd(width)}   ${summary}\n`);
  return `dynakv, a typed key-value service over DynamoDB

Usage: dynakv COMMAND [arguments] [flags]

${lines.join("")}
dynakv COMMAND --help lists its arguments and flags.

The commands but for serve, doctor and token call a server: the one at --address URL, or at
DYNAKV_ADDRESS, or at http://127.0.0.1:50051.
`;
}

/** The text of `dynakv COMMAND --help`. */
export function renderCommandHelp({ usage, description, flags, examples }: ClientCommand): string {
  const own = renderFlags(flags);
  return `dynakv ${usage} [flags]

${description}
${own === "" ? "" : `\nFlags:\n${own}`}
Flags of all commands that call a server:
${renderFlags(connectionFlags)}
Keys and values that begin with a dash stand after --.

Examples:
${examples.map((example) => `  ${example}\n`).join("")}
Exit codes: 0 success, 1 condition not met, 2 usage error, 3 the call failed,
4 the outcome of a write is unknown.
`;
}

/** The text of `dynakv healthcheck --help`. */
export function renderHealthcheckHelp(flags: FlagDefinitions): string {
  return `dynakv healthcheck [flags]

Asks the server for its health, for the HEALTHCHECK of a container. It sends no token, and
does not verify the certificate of a server on loopback.

Flags:
${renderFlags(flags)}
Examples:
  dynakv healthcheck
  dynakv healthcheck --live --address https://localhost:50051

Exit codes: 0 it serves calls, 1 it does not, 2 usage error.
`;
}

function renderFlags(flags: FlagDefinitions): string {
  return Object.entries(flags)
    .map(([name, { placeholder, help }]) => renderFlag(`--${name}${placeholder ? ` ${placeholder}` : ""}`, help))
    .join("");
}
