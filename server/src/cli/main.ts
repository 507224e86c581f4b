#!/usr/bin/env node
import { renderHelp, usage } from "../settings/help.js";
import { suggestName } from "../settings/setting-names.js";
import { version } from "../version.js";
import { exitCodes } from "./exit-codes.js";

const commands = ["serve", "help", "version"];

const [command, ...argv] = process.argv.slice(2);

switch (command) {
  case "serve": {
    // Imported when it is needed: help should not wait for the AWS SDK.
    const { serve } = await import("./serve.js");
    await serve(argv);
    break;
  }
  case "help":
  case "--help":
  case "-h":
    process.stdout.write(renderHelp());
    break;
  case "version":
  case "--version":
  case "-v":
    process.stdout.write(`dynakv ${version}\n`);
    break;
  case undefined:
    process.stderr.write(`dynakv: no command; ${usage}\n`);
    process.exitCode = exitCodes.usage;
    break;
  default: {
    // Only what looks like a command is shown: it may as well be a URL with a secret.
    const shown = /^-{0,2}[a-z][a-z-]{0,19}$/.test(command) ? ` ${command}` : "";
    process.stderr.write(`dynakv: unknown command${shown}${suggestName(command, commands)}; ${usage}\n`);
    process.exitCode = exitCodes.usage;
  }
}
