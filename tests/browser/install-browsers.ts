import { once } from "node:events";
import { print } from "../../tools/print.js";
import { startProgram, stopProgram } from "../../tools/programs.js";
import { type BrowserName, browserNames, findBrowser, findCommand } from "./support/find-browsers.js";

const debianPackages: Readonly<Record<BrowserName, string>> = { chromium: "chromium", firefox: "firefox-esr" };
const installLimitMs = 600_000;

/**
 * Says which browsers are missing, and in CI has apt install them first, where it may: a person's machine is left as it is.
 */
export async function installBrowsers(): Promise<void> {
  const mayInstall = process.env.CI === "true" && process.getuid?.() === 0 && findCommand("apt-get") !== undefined;
  const packages = missingBrowsers().map((name) => debianPackages[name]);
  if (mayInstall && packages.length > 0) {
    await runApt("update");
    await runApt("install", "--yes", "--no-install-recommends", ...packages);
  }
  for (const name of missingBrowsers()) {
    print(`not tested in ${name}: there is none on this machine (Debian: apt-get install ${debianPackages[name]})`);
  }
}

function missingBrowsers(): BrowserName[] {
  return browserNames.filter((name) => findBrowser(name) === undefined);
}

/** What apt cannot do leaves a browser missing, which is told then. */
async function runApt(...args: string[]): Promise<void> {
  const apt = startProgram("apt-get", ["--quiet=2", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const limit = setTimeout(() => void stopProgram(apt), installLimitMs);
  await once(apt, "close").finally(() => clearTimeout(limit));
}
