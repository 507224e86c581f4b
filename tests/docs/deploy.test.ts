import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { parseFlags } from "../../cli/src/flags.js";
import { healthcheckFlags } from "../../cli/src/healthcheck.js";
import { completeSettings } from "../../server/src/settings/complete-settings.js";
import { loadSettings } from "../../server/src/settings/load-settings.js";
import type { Settings } from "../../server/src/settings/settings.js";
import { suite } from "../../server/test/support/suite.js";

const test = suite("deploying");

const read = (path: string) => readFileSync(path, "utf8");
const manifests = read("deploy/kubernetes/dynakv.yaml");

/** What stands indented below `name: |`. */
function blockOf(yaml: string, name: string): string {
  const [, indent = "", block = ""] = new RegExp(`^( *)${name}: \\|\\n((?:\\1 +.*\\n)+)`, "m").exec(yaml) ?? [];
  assert.ok(block.length > indent.length, `there is no ${name}`);
  return block;
}

test("the settings of the Kubernetes manifests are the server's, and fit together", () => {
  const config = blockOf(manifests, "dynakv.json");
  const loaded = loadSettings({ argv: ["--config", "dynakv.json"], env: {}, readFile: () => config });
  assert.is(loaded.kind, "settings");
  const { listen, adminListen, drainSeconds } = JSON.parse(config);
  for (const [name, address] of Object.entries({ grpc: listen, admin: adminListen })) {
    assert.match(manifests, `{ name: ${name}, containerPort: ${String(address).split(":")[1]} }`);
  }
  const grace = Number(/terminationGracePeriodSeconds: (\d+)/.exec(manifests)?.[1]);
  const pause = Number(/sleep: { seconds: (\d+) }/.exec(manifests)?.[1]);
  assert.ok(grace > drainSeconds + pause, `${grace} s are too few for ${pause} s and ${drainSeconds} s`);
});

const dockerfile = read("deploy/Dockerfile");
const compose = read("deploy/compose/compose.yaml");

/** The variables that the image sets for the server. */
const imageEnvironment = Object.fromEntries(
  [...dockerfile.matchAll(/^\s+(DYNAKV_\w+)=(\S+?)(?: \\)?$/gm)].map(([, name, value]) => [name, value]),
);

test("the image's commands, variables and documented flags are those of the command line", () => {
  const command = (instruction: string) =>
    JSON.parse(new RegExp(`^${instruction}.*?(\\[.*\\])$`, "m").exec(dockerfile)?.[1] ?? "[]") as string[];
  const [node, main = "", serve] = command("ENTRYPOINT");
  assert.equal([node, serve], ["node", "serve"]);
  assert.ok(existsSync(main.replace("/app/", "")), main);
  const [, sameMain, healthcheck, ...flags] = command("HEALTHCHECK");
  assert.equal([sameMain, healthcheck], [main, "healthcheck"]);
  assert.is(parseFlags(healthcheckFlags, flags).flags.live, true);
  for (const text of [dockerfile, read("docs/deploying.md")]) {
    const [, shown = ""] = /docker run .* dynakv (--.*)$/m.exec(text) ?? [];
    const loaded = loadSettings({ argv: shown.split(" "), env: imageEnvironment });
    assert.is(loaded.kind === "settings" && loaded.settings.listen, "0.0.0.0:50051");
    assert.is(loaded.kind === "settings" && loaded.settings.data, "/data");
  }
  assert.throws(() => loadSettings({ argv: [], env: imageEnvironment }), /does not authenticate callers/);
});

test("the image installs from the manifest of each workspace", () => {
  const { workspaces } = JSON.parse(read("package.json")) as { workspaces: string[] };
  for (const workspace of workspaces) {
    const copied = dockerfile.split(`COPY ${workspace}/package.json ${workspace}/`).length - 1;
    assert.is(copied, 2, `${workspace}: once for the build, and once for the dependencies`);
  }
});

test("the Compose file's settings are the server's, and what it mounts is there", () => {
  const environment = Object.fromEntries(
    [...compose.matchAll(/^ +(DYNAKV_\w+): "?([^"\n]*)"?$/gm)].map(([, name, value]) => [name, value]),
  );
  const loaded = loadSettings({ argv: [], env: { ...imageEnvironment, ...environment } });
  assert.is(loaded.kind, "settings");
  const { settings } = loaded as { settings: Settings };
  assert.equal([settings.console, settings.tokensFile], ["on", "/run/secrets/tokens"]);
  assert.match(read("deploy/compose/prometheus.yml"), `"dynakv:${settings.adminListen?.split(":")[1]}"`);
  assert.ok(Number(/stop_grace_period: (\d+)s/.exec(compose)?.[1]) > settings.drainSeconds);
  const mounted = [...compose.matchAll(/^ +- (\.[^:]*):/gm)].map(([, path = ""]) => path);
  assert.is(mounted.length, 5);
  for (const path of mounted) {
    assert.ok(existsSync(join("deploy/compose", path)), path);
  }
  // What is published is for this machine alone.
  assert.equal(compose.match(/ports: \["(?!127\.0\.0\.1:)/g), null);
});

test("the unit for systemd waits for longer than the server drains", () => {
  const unit = read("deploy/systemd/dynakv.service");
  const { drainSeconds } = completeSettings({}).settings;
  assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) > drainSeconds);
});

test.run();
