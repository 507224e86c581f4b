import { existsSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { completeSettings } from "../../server/src/settings/complete-settings.js";
import { loadSettings } from "../../server/src/settings/load-settings.js";
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

test("the Dockerfile's command and its documented flags are the server's", () => {
  const dockerfile = read("deploy/Dockerfile");
  const entry = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]") as string[];
  assert.ok(existsSync(String(entry[1])), entry[1]);
  for (const text of [dockerfile, read("docs/deploying.md")]) {
    const [, flags = ""] = /docker run .* dynakv (--.*)$/m.exec(text) ?? [];
    const loaded = loadSettings({ argv: flags.split(" "), env: {} });
    assert.is(loaded.kind, "settings");
  }
});

test("the unit for systemd waits for longer than the server drains", () => {
  const unit = read("deploy/systemd/dynakv.service");
  const { drainSeconds } = completeSettings({}).settings;
  assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) > drainSeconds);
});

test.run();
