import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { suggestName } from "../../../common/command-line/suggest-name.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { version } from "../../../common/version.js";
import { endWith } from "../process/end-with.js";
import { renderHelp } from "../settings/help.js";
import { type LoadedSettings, loadSettings } from "../settings/load-settings.js";
import { examine } from "./examine.js";
import { renderExamination } from "./render-examination.js";

/** Runs `dynakv doctor`: the settings of `dynakv serve`, and `--json` for programs. Ends the process. */
export async function doctor(argv: readonly string[]): Promise<void> {
  try {
    const { isJson, rest } = takeJson(argv);
    const loaded = load(rest);
    if (loaded.kind !== "settings") {
      process.stdout.write(loaded.kind === "help" ? renderHelp() : `dynakv ${version}\n`);
      return;
    }
    for (const warning of loaded.warnings) {
      process.stderr.write(`dynakv: ${warning}\n`);
    }
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
    const examination = await examine(loaded.settings, new AbortController().signal);
    const isColoured = process.stdout.isTTY && !process.env.NO_COLOR;
    process.stdout.write(
      isJson ? `${JSON.stringify(examination, null, 2)}\n` : renderExamination(examination, isColoured),
    );
    const hasFailed = examination.findings.some(({ level }) => level === "failure");
    process.exitCode = hasFailed ? exitCodes.failure : exitCodes.done;
  } catch (error) {
    endWith(error);
  }
}

/**
 * Takes out the one flag that is not of a setting. It is written as those of settings that are true or false.
 *
 * @throws UsageError
 */
function takeJson(argv: readonly string[]): { readonly isJson: boolean; readonly rest: readonly string[] } {
  const isFlag = (each: string) => /^--(no-)?json(=|$)/.test(each);
  const [flag, ...others] = argv.filter(isFlag);
  if (others.length > 0) {
    throw new UsageError("--json: is given more than once");
  }
  if (flag?.includes("=") && !/^--json=(true|false)$/.test(flag)) {
    throw new UsageError("--json: is written as --json, --json=true or --json=false");
  }
  const isJson = flag === "--json" || flag === "--json=true";
  return { isJson, rest: argv.filter((each) => !isFlag(each)) };
}

/** Loads the settings, which know nothing of --json: a flag that is near to none of theirs may be near to that. */
function load(argv: readonly string[]): LoadedSettings {
  try {
    return loadSettings({ argv, env: process.env });
  } catch (error) {
    const [, unknown] = (error instanceof UsageError && /^unknown flag (--[\w-]+)$/.exec(error.message)) || [];
    throw unknown === undefined ? error : new UsageError(`unknown flag ${unknown}${suggestName(unknown, ["--json"])}`);
  }
}
