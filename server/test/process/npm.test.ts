import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as assert from "uvu/assert";
import { root } from "../../../tools/root.js";
import { isAlive } from "../support/is-alive.js";
import { cleanEnvironment } from "../support/spawn-server.js";
import { suite } from "../support/suite.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("npm");
const started: ChildProcess[] = [];
/** Four at once take a busy machine their time. */
const startMs = 120_000;
const serving = ["--listen", "127.0.0.1:0", "--data", "memory"];

/** Runs npm in a process group of its own, as a terminal would, and waits until the server that it starts is ready. */
async function start(file: string, args: readonly string[]) {
  const npm = spawn(file, args, {
    cwd: root,
    env: { ...cleanEnvironment(), npm_config_update_notifier: "false" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  started.push(npm);
  let said = "";
  npm.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  npm.stderr.resume();
  const ended = once(npm, "close");
  await waitUntil(`${file} has started a server`, () => / kill \d+/.test(said), startMs);
  return { npm, said, ended };
}

test.after.each(() => {
  for (const { pid } of started.splice(0)) {
    try {
      process.kill(-(pid as number), "SIGKILL");
    } catch {
      // Nothing is left of it, as it should be.
    }
  }
});

/** Ends npm by a signal that reaches nobody else, and waits until nothing of its group is left. */
async function endBy(signal: NodeJS.Signals, { npm, ended }: Awaited<ReturnType<typeof start>>): Promise<void> {
  npm.kill(signal);
  await waitUntil(`nothing is left after ${signal}`, () => !isAlive(-(npm.pid as number)));
  await ended;
}

test("a signal to npm start, whichever, leaves nothing behind", async () => {
  const signals = ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"] as const;
  await Promise.all(signals.map(async (signal) => endBy(signal, await start("npm", ["start", "--", ...serving]))));
});

test("nor does one to npx dynakv serve", async () => {
  // SIGINT reaches but the shell by which npx runs the command, and that waits for the command.
  const signals = ["SIGTERM", "SIGHUP", "SIGKILL"] as const;
  // Elsewhere nobody tells whose child the shell is.
  const tried = signals.filter((signal) => signal === "SIGTERM" || process.platform === "linux");
  await Promise.all(tried.map(async (signal) => endBy(signal, await start("npx", ["dynakv", "serve", ...serving]))));
});

test("Ctrl-C, which reaches npm, the shell and the server at once, and by npm once more, is one signal", async () => {
  const { npm, ended } = await start("npm", ["start", "--", ...serving]);
  process.kill(-(npm.pid as number), "SIGINT");
  assert.is((await ended)[0], 0);
});

test("npm start says where it listens and where data lies, where its console is, and what to try", async () => {
  const { npm, said, ended } = await start("npm", ["start", "--", ...serving]);
  const [, url = ""] = /^dynakv \S+ listening on (http:\S+) \(embedded engine, data in memory\)$/m.exec(said) ?? [];
  const [, block = ""] = /^dynakv \S+ listening.*\n([\s\S]*)/m.exec(said) ?? [];
  assert.equal(block.replace(/kill \d+/, "kill PID").split("\n"), [
    `Console: ${url}/console`,
    "",
    `  npx dynakv set hello world --address ${url}`,
    `  npx dynakv get hello --address ${url}`,
    `  npx buf curl -d '{"key":"hello"}' ${url}/dynakv.v1.KeyValueService/Get`,
    "",
    "Ctrl-C, or kill PID, stops it gracefully.",
    "",
  ]);
  const page = await fetch(`${url}/console`);
  assert.is(page.status, 200);
  assert.match(await page.text(), "<title>dynakv console</title>");
  npm.kill("SIGTERM");
  await ended;
});

test.run();
