import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { version } from "../../../common/version.js";
import { renderHelp, renderSettingsTable } from "../../src/settings/help.js";
import { environmentName, flagName } from "../../src/settings/setting-names.js";
import { settingDefinitions } from "../../src/settings/settings.js";
import { suite } from "../support/suite.js";

const test = suite("help of settings");

test("help shows every setting with its flag, its variable and its default, within 80 columns", () => {
  const help = renderHelp();
  for (const { name, default: value } of settingDefinitions) {
    assert.match(help, `  ${flagName(name)}`);
    const shown = value === undefined || value === "" ? "" : `, default ${value}`;
    assert.match(help, `[${environmentName(name)}${shown}]`);
  }
  assert.match(help, "[DYNAKV_CONFIG]");
  assert.equal(
    help.split("\n").filter((line) => line.length > 80 && line.includes(" ", 6)),
    [],
  );
});

test("the table of the docs has a row for every setting", () => {
  const rows = renderSettingsTable().trimEnd().split("\n");
  assert.is(rows.length, settingDefinitions.length + 2);
  for (const row of rows) {
    assert.is(row.replaceAll("\\|", "").split("|").length, 8, row);
  }
  assert.ok(
    rows.some((row) =>
      row.startsWith(
        "| `ttlSeconds` | `--ttl-seconds` | `DYNAKV_TTL_SECONDS` | `time_to_live_seconds`; `?ttl_seconds` |  |",
      ),
    ),
  );
});

test("the version is that of the package", () => {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  assert.is(version, manifest.version);
});

test.run();
