import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { toolsFolder } from "../../tools/cache.js";
import { installOnce, ToolMissing } from "../../tools/install-once.js";

const test = suite("installing tools once");
const before = process.env.DYNAKV_TEST_CACHE;
let cache: string;

test.before.each(() => {
  cache = mkdtempSync(join(tmpdir(), "dynakv-cache-"));
  process.env.DYNAKV_TEST_CACHE = cache;
});

test.after.each(() => {
  rmSync(cache, { recursive: true });
});

test.after(() => {
  if (before === undefined) {
    delete process.env.DYNAKV_TEST_CACHE;
  } else {
    process.env.DYNAKV_TEST_CACHE = before;
  }
});

const tool = { name: "tool", version: "1.0.0" };

/** An installation of one file with that text, which counts how often it is made. */
function installation(text: string, wait: () => Promise<void> = async () => {}) {
  const made = { times: 0 };
  async function install(folder: string): Promise<void> {
    made.times += 1;
    mkdirSync(folder);
    await wait();
    writeFileSync(join(folder, "program"), text);
  }
  return { made, install };
}

test("a tool is installed once, and anew when its version or what it is pinned to changes", async () => {
  const { made, install } = installation("program");
  const folder = await installOnce(tool, install);
  assert.is(await installOnce(tool, install), folder);
  assert.is(made.times, 1);
  const pinned = await installOnce({ ...tool, pins: ["a==1"] }, install);
  const others = [
    await installOnce({ ...tool, version: "1.0.1" }, install),
    pinned,
    await installOnce({ ...tool, pins: ["a==2"] }, install),
  ];
  assert.is(new Set([folder, ...others]).size, 4);
  assert.is(await installOnce({ ...tool, pins: ["a==1"] }, install), pinned);
  assert.is(made.times, 4);
});

test("of two that install the same at once both use the one that is whole first, and it is not touched again", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = installation("of the slow one", () => held);
  const fast = installation("of the fast one");
  const slowFolder = installOnce(tool, slow.install);
  const folder = await installOnce(tool, fast.install);
  release();
  assert.is(await slowFolder, folder);
  assert.equal([slow.made.times, fast.made.times], [1, 1]);
  assert.is(readFileSync(join(folder, "program"), "utf8"), "of the fast one");
  assert.equal(readdirSync(cache).length, 1, "nothing unfinished is left");
});

test("an installation that fails leaves its log alone, and is tried again", async () => {
  const error = await installOnce(tool, async (folder, run) => {
    mkdirSync(folder);
    await run([process.execPath, "-e", "console.log('no such version'); process.exit(1)"]);
  }).catch((reason: unknown) => reason);
  assert.instance(error, ToolMissing);
  const [, log = ""] = /its output is in (.*)$/.exec((error as Error).message) ?? [];
  assert.is(readFileSync(log, "utf8"), "no such version\n");
  assert.equal(readdirSync(cache).length, 1, "nothing but the log is left");
  assert.ok(existsSync(join(await installOnce(tool, installation("program").install), "program")));
});

test("tools lie in DYNAKV_TEST_CACHE, in XDG_CACHE_HOME, or in the home folder's cache", () => {
  const { DYNAKV_TEST_CACHE, XDG_CACHE_HOME, HOME } = process.env;
  const folderWith = (environment: NodeJS.ProcessEnv) => {
    for (const name of ["DYNAKV_TEST_CACHE", "XDG_CACHE_HOME", "HOME"]) {
      delete process.env[name];
    }
    Object.assign(process.env, environment);
    return toolsFolder();
  };
  try {
    assert.is(folderWith({ DYNAKV_TEST_CACHE: "/tools", XDG_CACHE_HOME: "/cache", HOME: "/home" }), "/tools");
    assert.is(folderWith({ XDG_CACHE_HOME: "/cache", HOME: "/home" }), "/cache/dynakv");
    assert.is(folderWith({ XDG_CACHE_HOME: "relative", HOME: "/home" }), "/home/.cache/dynakv");
    assert.is(folderWith({ DYNAKV_TEST_CACHE: "", HOME: "/home" }), "/home/.cache/dynakv");
  } finally {
    for (const [name, value] of Object.entries({ DYNAKV_TEST_CACHE, XDG_CACHE_HOME, HOME })) {
      if (value === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = value;
      }
    }
  }
});

test.run();
