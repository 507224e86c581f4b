import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { version } from "../../common/version.js";
import { renderHelp } from "../../server/src/settings/help.js";
import { createSelfSigned } from "../../server/test/support/certificates.js";
import { cli } from "../../server/test/support/spawn-server.js";
import { suite } from "../../server/test/support/suite.js";
import { root } from "../../tools/root.js";
import { renderOverview } from "../src/help.js";

const test = suite("command line");

const secret = "s3cr3tW0rd";

/** The command as a child, with what it has said so far. */
interface Command {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves to the exit code, or to the name of the signal that killed it. */
  readonly ended: Promise<number | string>;
  /** Resolves once its output holds the text; rejects when it ends before. */
  saysOn(stream: "stdout" | "stderr", text: string): Promise<void>;
}

const running = new Set<ChildProcess>();

interface CommandOptions {
  readonly env?: Record<string, string>;
  /** Which of the streams are to seem a terminal. */
  readonly terminal?: readonly ("stdout" | "stderr")[];
}

/** Runs the real command in an environment that holds nothing of ours or of AWS's but what the test gives. */
function startCommand(argv: readonly string[], { env = {}, terminal = [] }: CommandOptions = {}): Command {
  const pretence = terminal.map((name) => `process.${name}.isTTY=true;`).join("");
  const child = spawn(process.execPath, ["--import", `data:text/javascript,${pretence}`, ...cli, ...argv], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, AWS_EC2_METADATA_DISABLED: "true", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  }
  const ended = once(child, "close").then(([code, signal]: unknown[]) => {
    running.delete(child);
    return typeof code === "number" ? code : String(signal);
  });
  return {
    child,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    ended,
    saysOn(stream, text) {
      return new Promise((resolve, reject) => {
        const look = () => said[stream].includes(text) && resolve();
        child[stream].on("data", look);
        look();
        void ended.then((code) => reject(new Error(`ended with ${code} before saying "${text}": ${said.stderr}`)));
      });
    },
  };
}

async function runCommand(argv: readonly string[], options?: CommandOptions) {
  const command = startCommand(argv, options);
  const code = await command.ended;
  return { code, stdout: command.stdout(), stderr: command.stderr() };
}

/** Asserts that the command fails with one clear line, which is all that it says. */
async function assertFails(argv: readonly string[], code: number, message: RegExp, options?: CommandOptions) {
  const result = await runCommand(argv, options);
  assert.match(result.stderr, message);
  assert.match(result.stderr, /^dynakv: [^\n]*\n$/);
  assert.not.match(result.stderr, /\bat .*:\d+:\d+|^Error/m);
  assert.not(result.stderr.includes(secret), `the secret is in: ${result.stderr}`);
  assert.is(result.stdout, "");
  assert.is(result.code, code);
}

const serveAnywhere = ["serve", "--data", "memory", "--listen", "127.0.0.1:0"];

async function startServing(argv: readonly string[] = [], options?: CommandOptions) {
  const command = startCommand([...serveAnywhere, ...argv], options);
  await command.saysOn("stdout", "KeyValueService/Get\n");
  const port = Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(command.stdout())?.[1]);
  return { ...command, port };
}

test.after.each(async () => {
  for (const child of running) {
    child.kill("SIGKILL");
  }
  await Promise.all([...running].map((child) => once(child, "close")));
});

test("help is shown on stdout, by command and by flag, also after serve", async () => {
  const overview = [["help"], ["--help"], ["-h"]];
  const settings = [
    ["help", "serve"],
    ["serve", "--help"],
    ["serve", "--table", "x", "-h"],
  ];
  const results = await Promise.all([...overview, ...settings].map((argv) => runCommand(argv)));
  for (const [index, result] of results.entries()) {
    const stdout = index < overview.length ? renderOverview() : renderHelp();
    assert.equal(result, { code: 0, stdout, stderr: "" });
  }
});

test("the version is shown on stdout", async () => {
  for (const result of await Promise.all([["version"], ["--version"], ["-v"]].map((argv) => runCommand(argv)))) {
    assert.equal(result, { code: 0, stdout: `dynakv ${version}\n`, stderr: "" });
  }
});

test("a server that serves whoever reaches it says so, and one on loopback does not", async () => {
  const open = startCommand(["serve", "--data", "memory", "--listen", "0.0.0.0:0", "--allow-anyone-on-the-network"]);
  await open.saysOn("stderr", "whoever reaches 0.0.0.0:0 may read and change every entry");
  const { stderr } = await startServing();
  assert.not.match(stderr(), /whoever/);
});

test("in a clone the command runs from any folder, and says nothing of how", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dynakv-cli-"));
  const bin = join(root, "cli/bin/dynakv.js");
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [bin, "get", "--help"], { cwd: folder });
    assert.match(stdout, /^dynakv get KEY \[flags\]\n/);
    assert.is(stderr, "");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a reader of help, of a token or of settings who has gone is no failure worth a line", async () => {
  const commands = [
    ["token", "new", "orders"],
    ["serve", "--help"],
    ["doctor", "--version"],
    ["help", "doctor"],
  ];
  const results = commands.map(async (argv) => {
    const command = startCommand(argv);
    command.child.stdout?.destroy();
    return { code: await command.ended, stderr: command.stderr() };
  });
  for (const [index, { code, stderr }] of (await Promise.all(results)).entries()) {
    assert.is(code, 141, commands[index]?.join(" "));
    assert.not.match(stderr, /EPIPE|\bat /);
  }
});

test("no command and an unknown one end with the usage and code 2", async () => {
  await assertFails([], 2, /^dynakv: no command; usage: dynakv COMMAND \(dynakv help/);
  await assertFails(["sevre"], 2, /^dynakv: unknown command sevre; did you mean serve\?; usage: dynakv COMMAND/);
  await assertFails(["--listen", "127.0.0.1:0"], 2, /^dynakv: unknown command --listen/);
  await assertFails([`dynamodb://AKID:${secret}@us-east-1`], 2, /^dynakv: unknown command; usage/);
});

test("wrong settings end with code 2 and their source, whatever it is", async () => {
  await assertFails(["serve", "--tabel", "x"], 2, /^dynakv: unknown flag --tabel; did you mean --table\?/);
  await assertFails(["serve"], 2, /^dynakv: DYNAKV_TTL_SECONDS: "1d" is not an integer/, {
    env: { DYNAKV_TTL_SECONDS: "1d" },
  });
  await assertFails(["serve", "--config", "/nowhere/dynakv.json"], 2, /config file \/nowhere\/dynakv.json: .*ENOENT/);
  const folder = await mkdtemp(join(tmpdir(), "dynakv-cli-"));
  try {
    const path = join(folder, "dynakv.json");
    await writeFile(path, JSON.stringify({ secretAccessKey: secret }));
    await assertFails(["serve", "--config", path], 2, /secretAccessKey in config file .*: is without its access key/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a bad connection URL ends with code 2, and shows neither itself nor its secret", async () => {
  for (const end of ["?ttl_seconds=1d", ":port", "/a/b", "#x", "?nope=1"]) {
    const backend = `dynamodb://AKID:${secret}@us-east-1${end}`;
    await assertFails(["serve", "--backend", backend], 2, /^dynakv: --backend: connection URL: (the|unknown) /);
  }
  await assertFails(["serve"], 2, /^dynakv: DYNAKV_BACKEND: connection URL: the secret is missing/, {
    env: { DYNAKV_BACKEND: "dynamodb://a:@" },
  });
});

test("a token is made for days ahead that exist, and for no others", async () => {
  for (const expires of ["2099-02-31", "2099-01-31T12:00:00", "2020-01-01", "0d"]) {
    await assertFails(["token", "new", "orders", "--expires", expires], 2, /--expires: must be a day that exists/);
  }
  const made = await runCommand(["token", "new", "orders", "--expires", "2099-01-31"]);
  assert.is(JSON.parse(made.stdout.split("\n")[1] ?? "").expires, "2099-01-31T00:00:00.000Z");
});

test("a taken port ends with code 1 and says which", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as AddressInfo;
  try {
    const argv = ["serve", "--data", "memory", "--listen", `127.0.0.1:${port}`, "--log-level", "silent"];
    await assertFails(argv, 1, new RegExp(`${port}`));
  } finally {
    holder.close();
  }
});

test("a data folder that cannot be one ends with code 1 and says which", async () => {
  const data = join(root, "package.json");
  await assertFails(["serve", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "silent"], 1, /package\.json/);
});

test("a missing region ends with code 1 and says how to name one", async () => {
  const argv = ["serve", "--backend", "dynamodb://", "--listen", "127.0.0.1:0", "--log-level", "silent"];
  await assertFails(argv, 1, /no AWS region: set/, { env: { HOME: "/nowhere" } });
});

test("when ready, serve prints its address and a buf curl line that works when pasted", async () => {
  const { stdout, port } = await startServing();
  const url = `http://127.0.0.1:${port}`;
  const [ready, paste = "", ...rest] = stdout().split("\n");
  assert.is(ready, `dynakv ${version} listening on ${url} (embedded engine, data in memory)`);
  assert.is(paste, `npx buf curl -d '{"key":"hello"}' ${url}/dynakv.v1.KeyValueService/Get`);
  assert.equal(rest, [""]);
  const pasted = await promisify(execFile)("sh", ["-c", paste], { cwd: root });
  assert.equal(JSON.parse(pasted.stdout), {});
});

test("stderr holds the log and nothing else: no warning of the SDK about Node", async () => {
  const command = await startServing();
  command.child.kill("SIGTERM");
  await command.ended;
  for (const line of command.stderr().trimEnd().split("\n")) {
    assert.type(JSON.parse(line).msg, "string", line);
  }
});

test("the log is text on a terminal, and JSON where it is asked for", async () => {
  const [text, json] = await Promise.all([
    startServing([], { terminal: ["stderr"] }),
    startServing(["--log-format", "json"], { terminal: ["stderr"] }),
  ]);
  for (const { child, ended } of [text, json]) {
    child.kill("SIGTERM");
    await ended;
  }
  // In colours.
  assert.match(text.stderr(), /INFO\S*: \S*stopped/);
  assert.not.match(text.stderr(), /^\{/m);
  assert.match(json.stderr(), /^\{.*"msg":"stopped"\}$/m);
});

test("a person is told what to try, with the address, certificate and token that it takes, and how to stop", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dynakv-cli-"));
  try {
    const { cert, key } = await createSelfSigned({
      name: "here",
      alternatives: [{ type: "ip", value: "127.0.0.1" }],
    });
    const [certFile, keyFile, tokens] = ["cert.pem", "key.pem", "tokens.json"].map((name) => join(folder, name));
    await writeFile(certFile as string, cert);
    await writeFile(keyFile as string, key);
    await writeFile(tokens as string, JSON.stringify({ tokens: [{ name: "me", sha256: "0".repeat(64) }] }));
    const flags = ["--tls-cert", `${certFile}`, "--tls-key", `${keyFile}`, "--tokens-file", `${tokens}`];
    const command = startCommand([...serveAnywhere, ...flags], { terminal: ["stdout"] });
    await command.saysOn("stdout", "gracefully.\n");
    const [first = "", ...lines] = command.stdout().split("\n");
    const [, url] = / listening on (https:\S+) /.exec(first) ?? [];
    const how = `--address ${url} --ca ${certFile} --token-file TOKEN.txt`;
    const curl = `--cacert ${certFile} -H 'authorization: Bearer TOKEN' --reflect --reflect-header '*'`;
    assert.equal(lines, [
      "",
      `  npx dynakv set hello world ${how}`,
      `  npx dynakv get hello ${how}`,
      `  npx buf curl ${curl} -d '{"key":"hello"}' ${url}/dynakv.v1.KeyValueService/Get`,
      "",
      `Ctrl-C, or kill ${command.child.pid}, stops it gracefully.`,
      "",
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a local connection URL is warned of in the log", async () => {
  const command = await startServing(["--backend", `dynamodb://AKID:${secret}@127.0.0.1:1`]);
  await command.saysOn("stderr", "using the local endpoint");
  assert.match(command.stderr(), /"level":40[^\n]*using the local endpoint http:\/\/127\.0\.0\.1:1/);
  assert.match(command.stdout(), "(DynamoDB at http://127.0.0.1:1, table celery)");
  assert.not(`${command.stdout()}${command.stderr()}`.includes(secret));
});

test("SIGTERM and SIGINT stop it with code 0", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const command = await startServing();
    command.child.kill(signal);
    assert.is(await command.ended, 0, signal);
    assert.is(command.stdout().split("\n").length, 3);
  }
});

test("a second signal ends it at once, with the signal's code", async () => {
  for (const [signal, code] of [["SIGTERM", 143] as const, ["SIGINT", 130] as const]) {
    const command = await startServing(["--drain-seconds", "3600"]);
    // A call whose body never ends keeps it draining.
    const call = connect(command.port, "127.0.0.1");
    call.on("error", () => {});
    call.write("POST /dynakv.v1.KeyValueService/Get HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
    call.write("content-length: 100\r\nexpect: 100-continue\r\n\r\n");
    await once(call, "data");
    command.child.kill("SIGTERM");
    await command.saysOn("stderr", '"stopping"');
    // Again until it is taken for a second one: a signal that follows at once counts as the first.
    const again = setInterval(() => command.child.kill(signal), 50);
    const ended = await command.ended;
    clearInterval(again);
    call.destroy();
    assert.is(ended, code);
  }
});

test.run();
