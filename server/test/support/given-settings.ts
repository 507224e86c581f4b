import * as assert from "uvu/assert";
import { loadSettings, UsageError } from "../../src/settings/load-settings.js";
import type { Settings } from "../../src/settings/settings.js";

/** A secret that no error may show: see {@link assertRefused}. */
export const secret = "s3cr3tW0rd";

/** Where settings come from. */
export interface Given {
  argv?: string[];
  env?: Record<string, string | undefined>;
  /** The config file's settings, or its text. */
  config?: object | string;
}

export function load({ argv = [], env = {}, config }: Given) {
  const loaded = loadSettings({
    argv: config === undefined ? argv : ["--config", "dynakv.json", ...argv],
    env,
    readFile: (path) => {
      assert.is(path, "dynakv.json");
      return typeof config === "string" ? config : JSON.stringify(config);
    },
  });
  if (loaded.kind !== "settings") {
    throw new Error(`asked for ${loaded.kind}`);
  }
  return loaded;
}

export function settingsOf(given: Given): Settings {
  return load(given).settings;
}

/** Asserts that settings are refused with such an error, in one line and without the {@link secret}. */
export function assertRefused(given: Given, message: RegExp): void {
  assert.throws(
    () => load(given),
    (error: Error) => {
      assert.instance(error, UsageError);
      assert.match(error.message, message);
      assert.not.match(error.message, /\n/);
      assert.not(error.message.includes(secret), `the secret is in: ${error.message}`);
      return true;
    },
  );
}
