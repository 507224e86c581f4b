/**
 * Tries the packages as their users get them: packs both, lints the tarballs, installs them into empty folders outside
 * the repository, and runs the examples of their READMEs there.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startEmbeddedEngine } from "../server/src/embedded/embedded-engine.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string) => join(root, "node_modules", ".bin", name);

/** The address that the examples of the READMEs use. */
const exampleAddress = "127.0.0.1:50051";

const run = promisify(execFile);

/** Runs a program; when it fails, the error holds all that it printed. */
async function execute(cwd: string, file: string, ...args: string[]): Promise<string> {
  try {
    return (await run(file, args, { cwd, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${basename(file)} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error });
  }
}

async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const result = await work();
  process.stdout.write(`ok - ${name}\n`);
  return result;
}

/** Packs a package the way that publishing does, and returns the tarball. */
async function pack(workspace: string, destination: string): Promise<string> {
  const printed = await execute(join(root, workspace), "npm", "pack", "--json", "--pack-destination", destination);
  // The scripts that npm runs before print to the same stream.
  const [packed] = JSON.parse(printed.slice(printed.indexOf("[\n"))) as {
    filename: string;
    files: { path: string }[];
  }[];
  if (packed === undefined) {
    throw new Error(`npm pack has packed nothing: ${printed}`);
  }
  const paths = packed.files.map(({ path }) => path);
  const expected = ["LICENSE", "README.md", "package.json"];
  const unexpected = paths.filter((path) => !expected.includes(path) && !/^dist\/.*\.(js|d\.ts)$/.test(path));
  const missing = expected.filter((path) => !paths.includes(path));
  const tests = paths.filter((path) => /\/test\/|\.test\.|\.tmp\./.test(path));
  if (unexpected.length + missing.length + tests.length > 0) {
    throw new Error(`${packed.filename}: unexpected ${[...unexpected, ...tests]}, missing ${missing}`);
  }
  return join(destination, packed.filename);
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

/** The blocks of TypeScript in a README or another page. */
async function readExamples(readme: string): Promise<string[]> {
  const text = await readFile(join(root, readme), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
}

/**
 * Type-checks an example with TypeScript 5 and with the repository's, as Node and as a bundler resolve packages, with the
 * types of the libraries checked too. Then compiles and runs it, and compares what it prints with its `// prints` comments.
 */
async function tryExample(folder: string, name: string, code: string): Promise<void> {
  const file = `${name}.ts`;
  await writeFile(join(folder, file), code);
  for (const tsc of [join(folder, "node_modules", ".bin", "tsc"), bin("tsc")]) {
    for (const [module, resolution] of [
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ] as const) {
      const modules = ["--module", module, "--moduleResolution", resolution];
      const options = ["--strict", "--target", "es2022", "--types", "node", "--skipLibCheck", "false"];
      await execute(folder, tsc, ...options, ...modules, file);
    }
  }
  const printed = await execute(folder, process.execPath, `${name}.js`);
  const expected = [...code.matchAll(/\/\/ prints (.*)$/gm)].map(([, line]) => `${line}\n`).join("");
  if (expected !== "" && printed !== expected) {
    throw new Error(`${name} printed\n${printed}instead of\n${expected}`);
  }
}

/** A server from the sources, and the host and port at which it listens. */
async function startServer(): Promise<{ server: ChildProcess; address: string }> {
  const args = ["--import", "tsx", "server/src/cli/main.ts", "serve", "--listen", "127.0.0.1:0", "--data", "memory"];
  const server = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const printed: string[] = [];
  server.stderr.on("data", (data) => printed.push(String(data)));
  for await (const line of createInterface({ input: server.stdout })) {
    const address = /http:\/\/(127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (address !== undefined) {
      return { server, address };
    }
    printed.push(`${line}\n`);
  }
  throw new Error(`the server did not start:\n${printed.join("")}`);
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode === null) {
    const exited = new Promise((resolve) => server.once("exit", resolve));
    server.kill();
    await exited;
  }
}

async function testClient(tarball: string, folder: string, address: string): Promise<void> {
  const [example = "", grpcJsExample = ""] = (await readExamples("client/README.md")).map((code) =>
    code.replaceAll(exampleAddress, address),
  );
  await step("client installs into an empty project", () =>
    createProject(folder, tarball, "typescript@5.9", "@types/node@20"),
  );
  await step("client's example type-checks and runs, without grpc-js", () => tryExample(folder, "example", example));
  await install(folder, "@grpc/grpc-js");
  await step("client's grpc-js example type-checks and runs", () => tryExample(folder, "grpc-js", grpcJsExample));
}

async function testServer(tarball: string, folder: string): Promise<void> {
  const { version } = JSON.parse(await readFile(join(root, "server/package.json"), "utf8")) as { version: string };
  await step("server installs into an empty project", () =>
    createProject(folder, tarball, "typescript@5.9", "@types/node@20"),
  );
  await step("dynakv --version tells the version", async () => {
    const printed = await execute(folder, "npx", "--no-install", "dynakv", "--version");
    if (!printed.includes(version)) {
      throw new Error(`printed ${printed}, not ${version}`);
    }
  });
  const [example = ""] = await readExamples("server/README.md");
  await step("server's example type-checks and runs", () => tryExample(folder, "example", example));
  await step("the example of its faults type-checks and runs", () => testFaults(folder));
}

async function testFaults(folder: string): Promise<void> {
  const [example = ""] = await readExamples("docs/faults.md");
  const engine = await startEmbeddedEngine({ data: "memory" });
  const code = example
    .replaceAll("http://127.0.0.1:8000", engine.endpoint)
    .replaceAll('accessKeyId: "test"', `accessKeyId: "${engine.credentials.accessKeyId}"`);
  try {
    await tryExample(folder, "faults", code);
  } finally {
    await engine.stop();
  }
}

const temporary = await mkdtemp(join(tmpdir(), "dynakv-packages-"));
let server: ChildProcess | undefined;
try {
  const [client = "", serverTarball = ""] = await step("both packages pack", async () => [
    await pack("client", temporary),
    await pack("server", temporary),
  ]);
  await step("publint and attw find nothing in the client", () => lintTarball(client));
  await step("publint and attw find nothing in the server", () => lintTarball(serverTarball));
  const started = await step("the server starts from its sources", startServer);
  server = started.server;
  await testClient(client, join(temporary, "client"), started.address);
  await testServer(serverTarball, join(temporary, "server"));
} catch (error) {
  process.stderr.write(`not ok - ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  if (server !== undefined) {
    await stopServer(server);
  }
  await rm(temporary, { recursive: true, force: true });
}
