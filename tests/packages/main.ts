/**
 * Tries the packages as their users get them: packs all, lints the tarballs, installs them into empty folders outside
 * the repository, and runs the examples of their READMEs there.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { satisfies } from "semver";
import { startEmbeddedEngine } from "../../server/src/embedded/embedded-engine.js";
import { installNode } from "../../tools/install-node.js";
import { root } from "../../tools/root.js";
import { execute, pack } from "./pack.js";

const bin = (name: string) => join(root, "node_modules", ".bin", name);

/** The address that the examples of the READMEs use. */
const exampleAddress = "127.0.0.1:50051";

async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const result = await work();
  process.stdout.write(`ok - ${name}\n`);
  return result;
}

async function lintTarball(tarball: string): Promise<void> {
  const printed = await execute(root, bin("publint"), "run", tarball, "--strict");
  if (!printed.includes("All good!")) {
    throw new Error(printed);
  }
  // ESM only: what CommonJS and the resolution of Node 10 would find is not asked.
  await execute(root, bin("attw"), tarball, "--profile", "esm-only");
}

/** An empty project with packages of the registry and tarballs installed. */
async function createProject(folder: string, ...packages: string[]): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "example", private: true, type: "module" }));
  await install(folder, ...packages);
}

async function install(folder: string, ...packages: string[]): Promise<void> {
  await execute(folder, "npm", "install", "--no-audit", "--no-fund", "--prefer-offline", ...packages);
}

/**
 * What has been installed must not exclude the Node that has installed it: npm takes the newest that fits a range when nothing
 * in it fits Node, and warns at most.
 */
async function checkEngines(folder: string): Promise<void> {
  const files = await readdir(join(folder, "node_modules"), { recursive: true, encoding: "utf8" });
  // Others are parts of a package, such as a marker for its CommonJS.
  const manifests = files.filter((file) => /(^|node_modules\/)(@[^/]+\/)?[^/@.][^/]*\/package\.json$/.test(file));
  const excluding = [];
  for (const file of manifests) {
    const text = await readFile(join(folder, "node_modules", file), "utf8");
    const { name, version, engines } = JSON.parse(text) as Manifest;
    if (engines?.node !== undefined && !satisfies(process.version, engines.node)) {
      excluding.push(`${name}@${version} needs Node ${engines.node}`);
    }
  }
  if (manifests.length === 0 || excluding.length > 0) {
    throw new Error(`of ${manifests.length} packages: ${excluding.join(", ")}`);
  }
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly engines?: { readonly node?: string };
}

/** The blocks of TypeScript in a README or another page. */
async function readExamples(readme: string): Promise<string[]> {
  const text = await readFile(join(root, readme), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
}

/**
 * Type-checks examples with TypeScript 5 and with the repository's, as Node and as a bundler resolve packages, with the
 * types of the libraries checked too, and compiles them. Most of the time goes for the libraries: those of many examples at once.
 */
async function compileExamples(folder: string, examples: ReadonlyMap<string, string>): Promise<void> {
  const files = [...examples.keys()].map((name) => `${name}.ts`);
  for (const [name, code] of examples) {
    await writeFile(join(folder, `${name}.ts`), code);
  }
  for (const tsc of [join(folder, "node_modules", ".bin", "tsc"), bin("tsc")]) {
    for (const [module, resolution] of [
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ] as const) {
      const modules = ["--module", module, "--moduleResolution", resolution];
      const options = ["--strict", "--target", "es2022", "--types", "node", "--skipLibCheck", "false"];
      await execute(folder, tsc, ...options, ...modules, ...files);
    }
  }
}

/** Runs a compiled example with some of its text replaced, and compares what it prints with its `// prints` comments. */
async function runExample(
  folder: string,
  name: string,
  { node = process.execPath, replaced = {} }: { node?: string; replaced?: Readonly<Record<string, string>> } = {},
) {
  const compiled = await readFile(join(folder, `${name}.js`), "utf8");
  const code = Object.entries(replaced).reduce((text, [from, to]) => text.replaceAll(from, to), compiled);
  await writeFile(join(folder, `${name}.run.js`), code);
  const printed = await execute(folder, node, `${name}.run.js`);
  const expected = [...compiled.matchAll(/\/\/ prints (.*)$/gm)].map(([, line]) => `${line}\n`).join("");
  if (expected !== "" && printed !== expected) {
    throw new Error(`${name} printed\n${printed}instead of\n${expected}`);
  }
}

/** The Node that runs this, and Node 24 where there is a package of it, for Linux. */
async function findNodes(): Promise<string[]> {
  if (process.platform !== "linux" || process.arch !== "x64" || process.version.startsWith("v24.")) {
    return [process.execPath];
  }
  return [process.execPath, await installNode(24)];
}

interface RunningServer {
  readonly server: ChildProcess;
  /** The host and port at which it listens. */
  readonly address: string;
}

/** The server of a tarball, as a user starts it in an empty folder. */
async function serve(folder: string): Promise<RunningServer> {
  const args = ["--no-install", "dynakv", "serve", "--listen", "127.0.0.1:0", "--data", "memory"];
  const server = spawn("npx", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const printed: string[] = [];
  server.stderr.on("data", (data) => printed.push(String(data)));
  for await (const line of createInterface({ input: server.stdout })) {
    const address = /http:\/\/(127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (address !== undefined) {
      server.stdout.resume();
      return { server, address };
    }
    printed.push(`${line}\n`);
  }
  throw new Error(`the server did not start:\n${printed.join("")}`);
}

/** Ends npx, and waits until the server has ended with it: until then it holds the pipes. */
async function stopServer(server: ChildProcess): Promise<void> {
  const closed = new Promise((resolve) => server.once("close", resolve));
  server.kill();
  await closed;
}

/** Examples that follow each other, and the packages that have to be installed before them. */
interface ExampleGroup {
  readonly packages: readonly string[];
  readonly examples: Map<string, string>;
}

/** An example is tried without the packages that only those after it ask for. */
function groupExamples(codes: readonly string[]): ExampleGroup[] {
  const groups: ExampleGroup[] = [];
  const installed = new Set<string>();
  for (const [index, code] of codes.entries()) {
    const needed = ["@grpc/grpc-js", "zod"].filter((name) =>
      name === "zod" ? code.includes('"zod"') : code.includes("client/grpc-js"),
    );
    const packages = needed.filter((name) => !installed.has(name));
    if (packages.length > 0 || groups.length === 0) {
      groups.push({ packages, examples: new Map() });
    }
    for (const name of packages) {
      installed.add(name);
    }
    groups.at(-1)?.examples.set(`example-${index}`, code);
  }
  return groups;
}

async function testClient(folder: string, serverFolder: string, nodes: string[]): Promise<void> {
  const versions = await Promise.all(nodes.map((node) => execute(folder, node, "--version")));
  const onWhat = versions.map((version) => version.trim()).join(" and ");
  for (const { packages, examples } of groupExamples(await readExamples("client/README.md"))) {
    if (packages.length > 0) {
      await install(folder, ...packages);
    }
    const beside = packages.length === 0 ? "alone" : `with ${packages}`;
    await step(`client's examples type-check, ${beside}: ${examples.size}`, () => compileExamples(folder, examples));
    for (const [name, code] of examples) {
      const what = /"@dynakv\/client\/[\w-]+"/.exec(code)?.[0] ?? "the client";
      await step(`client's ${name}, of ${what}, runs on Node ${onWhat}`, async () => {
        for (const node of nodes) {
          // A server of its own each time: what one run has counted is not there for the next.
          const { server, address } = await serve(serverFolder);
          try {
            await runExample(folder, name, { node, replaced: { [exampleAddress]: address } });
          } finally {
            await stopServer(server);
          }
        }
      });
    }
  }
}

async function testServer(folder: string, ...tarballs: string[]): Promise<void> {
  const { version } = JSON.parse(await readFile(join(root, "cli/package.json"), "utf8")) as { version: string };
  await step("command line, server and testing install into an empty project", () =>
    createProject(folder, ...tarballs, "typescript@5.9", "@types/node@20"),
  );
  await step(`nothing that was installed excludes Node ${process.version}`, () => checkEngines(folder));
  await step("dynakv --version tells the version", async () => {
    const printed = await execute(folder, "npx", "--no-install", "dynakv", "--version");
    if (!printed.includes(version)) {
      throw new Error(`printed ${printed}, not ${version}`);
    }
  });
  const pages = { example: "server/README.md", faults: "docs/faults.md", testing: "testing/README.md" };
  const examples = new Map<string, string>();
  for (const [name, page] of Object.entries(pages)) {
    const [code = ""] = await readExamples(page);
    examples.set(name, code);
  }
  await step("the examples of the server, of its faults and of testing type-check", () =>
    compileExamples(folder, examples),
  );
  await step("server's example runs", () => runExample(folder, "example"));
  await step("the example of its faults runs", () => runFaults(folder));
  await step("the example of testing runs", () => runExample(folder, "testing"));
}

async function testCommands(folder: string): Promise<void> {
  const { server, address } = await serve(folder);
  await testConsole(`http://${address}`);
  const call = (...args: string[]) =>
    execute(folder, "npx", "--no-install", "dynakv", ...args, "--address", `http://${address}`);
  try {
    await call("set", "greeting", "hello");
    for (const [command, expected] of [
      ["get greeting", /^hello$/],
      ["keys gre", /^greeting\n$/],
      ["info", /^table +celery$/m],
      ["info --json", /^\{.*"engine":"embedded".*\}\n$/],
      ["help keys", /^dynakv keys \[PREFIX\]/],
    ] as const) {
      const printed = await call(...command.split(" "));
      if (!expected.test(printed)) {
        throw new Error(`dynakv ${command} printed ${printed}, not ${expected}`);
      }
    }
  } finally {
    await stopServer(server);
  }
}

/** The package brings the console built. */
async function testConsole(url: string): Promise<void> {
  const page = await (await fetch(`${url}/console`)).text();
  const [, script = ""] = /src="(console\/assets\/[^"]+\.js)"/.exec(page) ?? [];
  const { status } = await fetch(`${url}/${script}`);
  if (script === "" || status !== 200) {
    throw new Error(`the console's page or its script is not there: ${status} ${page}`);
  }
}

async function runFaults(folder: string): Promise<void> {
  const { endpoint, credentials, stop } = await startEmbeddedEngine({ data: "memory" });
  const replaced = {
    "http://127.0.0.1:8000": endpoint,
    'accessKeyId: "test"': `accessKeyId: "${credentials.accessKeyId}"`,
  };
  try {
    await runExample(folder, "faults", { replaced });
  } finally {
    await stop();
  }
}

const temporary = await mkdtemp(join(tmpdir(), "dynakv-packages-"));
try {
  const [client = "", server = "", cli = "", testing = ""] = await step("the packages pack", async () => [
    await pack("client", temporary),
    await pack("server", temporary),
    await pack("cli", temporary),
    await pack("testing", temporary),
  ]);
  await step("publint and attw find nothing in the client", () => lintTarball(client));
  await step("publint and attw find nothing in the server", () => lintTarball(server));
  await step("publint and attw find nothing in testing", () => lintTarball(testing));
  const nodes = await findNodes();
  await testServer(join(temporary, "server"), client, server, cli, testing);
  await step("npx dynakv serve starts in an empty project, answers other commands, and stops", () =>
    testCommands(join(temporary, "server")),
  );
  await step("client installs into an empty project", () =>
    createProject(join(temporary, "client"), client, "typescript@5.9", "@types/node@20"),
  );
  await step("nothing that came with the client excludes this Node", () => checkEngines(join(temporary, "client")));
  await testClient(join(temporary, "client"), join(temporary, "server"), nodes);
} catch (error) {
  process.stderr.write(`not ok - ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await rm(temporary, { recursive: true, force: true });
}
