import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

export const browserNames = ["chromium", "firefox"] as const;
export type BrowserName = (typeof browserNames)[number];

/** The commands by which Debian, its derivatives and the vendors install them. */
const commands: Readonly<Record<BrowserName, readonly string[]>> = {
  chromium: ["chromium", "google-chrome", "google-chrome-stable", "chromium-browser"],
  firefox: ["firefox-esr", "firefox"],
};

/** Those to test in: the ones that `DYNAKV_TEST_BROWSERS` names, separated by commas, or else all that are on this machine. */
export function browsersHere(): BrowserName[] {
  const chosen = process.env.DYNAKV_TEST_BROWSERS?.split(",") ?? browserNames;
  return browserNames.filter((name) => chosen.includes(name) && findBrowser(name) !== undefined);
}

/** The program of a browser: the one that `DYNAKV_CHROMIUM` or `DYNAKV_FIREFOX` names, or the first on the path. */
export function findBrowser(name: BrowserName): string | undefined {
  const named = process.env[`DYNAKV_${name.toUpperCase()}`];
  return named ? named : commands[name].map(findCommand).find((file) => file !== undefined);
}

export function findCommand(command: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, command)).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
