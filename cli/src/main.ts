import { exitCodes } from "../../common/command-line/exit-codes.js";
import { endWithoutOutput } from "../../common/command-line/output.js";
import { suggestName } from "../../common/command-line/suggest-name.js";
import { version } from "../../common/version.js";
import { clientCommands, summaries } from "./commands.js";

const [command, ...argv] = process.argv.slice(2);

if (command !== "serve") {
  endWithoutOutput();
}

switch (command) {
  case "serve": {
    // Imported when it is needed: help should not wait for the AWS SDK, nor a server for what only clients need.
    const { serve } = await import("@dynakv/server/serve");
    await serve(argv);
    break;
  }
  case "doctor": {
    const { doctor } = await import("@dynakv/server/doctor");
    await doctor(argv);
    break;
  }
  case "token": {
    const { token } = await import("@dynakv/server/token");
    token(argv);
    break;
  }
  case "healthcheck": {
    const { healthcheck } = await import("./healthcheck.js");
    await healthcheck(argv);
    break;
  }
  case "help":
  case "--help":
  case "-h":
    await help(argv[0]);
    break;
  case "version":
  case "--version":
  case "-v":
    process.stdout.write(`dynakv ${version}\n`);
    break;
  case undefined:
    await refuse("no command");
    break;
  default:
    await callServer(command, argv);
}

async function callServer(name: string, argv: readonly string[]): Promise<void> {
  if (!Object.hasOwn(clientCommands, name)) {
    // Only what looks like a command is shown: it may as well be a URL with a secret.
    const shown = /^-{0,2}[a-z][a-z-]{0,19}$/.test(name) ? ` ${name}` : "";
    await refuse(`unknown command${shown}${suggestName(name, Object.keys(summaries))}`);
    return;
  }
  const { runCommand } = await import("./run-command.js");
  await runCommand(name, argv);
}

async function help(name: string | undefined): Promise<void> {
  if (name !== undefined && Object.hasOwn(clientCommands, name)) {
    await callServer(name, ["--help"]);
  } else if (name === "healthcheck") {
    const { healthcheck } = await import("./healthcheck.js");
    await healthcheck(["--help"]);
  } else if (name === "token") {
    const { token } = await import("@dynakv/server/token");
    token(["--help"]);
  } else if (name === "serve" || name === "doctor") {
    const { serve } = await import("@dynakv/server/serve");
    await serve(["--help"]);
  } else {
    const { renderOverview } = await import("./help.js");
    process.stdout.write(renderOverview());
  }
}

async function refuse(what: string): Promise<void> {
  const { usage } = await import("./help.js");
  process.stderr.write(`dynakv: ${what}; ${usage}\n`);
  process.exitCode = exitCodes.usage;
}
