import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { root } from "../../tools/root.js";

const run = promisify(execFile);

/** Runs a program; when it fails, the error holds all that it printed. */
export async function execute(cwd: string, file: string, ...args: string[]): Promise<string> {
  try {
    return (await run(file, args, { cwd, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${basename(file)} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error });
  }
}

/** The most that a tarball may weigh, in bytes: what is added by mistake shows here. Some 100,000 of the server's are the console's. */
const budgets: Readonly<Record<string, number>> = { client: 150_000, server: 560_000, cli: 60_000, testing: 20_000 };

/** How long to wait for what another step packs. */
const patienceMs = 300_000;

/**
 * Packs a package the way that publishing does, and returns the tarball. The steps of a check share what the first of them has
 * packed, in the folder that tools/check/main.ts names: packing builds in the package's own folder, where no two may at once.
 */
export async function pack(workspace: string, destination: string): Promise<string> {
  const { DYNAKV_TEST_PACKED: shared } = process.env;
  return shared === undefined ? packAnew(workspace, destination) : packOnce(workspace, shared);
}

async function packOnce(workspace: string, shared: string): Promise<string> {
  const packed = join(shared, workspace);
  const begun = `${packed}.begun`;
  for (const givesUpAt = performance.now() + patienceMs; performance.now() < givesUpAt; await sleep(100)) {
    const [tarball] = await readdir(packed).catch(() => []);
    if (tarball !== undefined) {
      return join(packed, tarball);
    }
    const isFirst = await mkdir(begun).then(
      () => true,
      () => false,
    );
    if (isFirst) {
      try {
        const made = await mkdtemp(`${packed}.unfinished-`);
        await packAnew(workspace, made);
        await rename(made, packed);
      } catch (error) {
        // The next tries it anew, and fails with a message of its own.
        await rmdir(begun);
        throw error;
      }
    }
  }
  throw new Error(`another step was to pack ${workspace}, and has not within ${patienceMs / 1000} s`);
}

async function packAnew(workspace: string, destination: string): Promise<string> {
  const printed = await execute(join(root, workspace), "npm", "pack", "--json", "--pack-destination", destination);
  // The scripts that npm runs before print to the same stream.
  const [packed] = JSON.parse(printed.slice(printed.indexOf("[\n"))) as {
    filename: string;
    size: number;
    files: { path: string }[];
  }[];
  if (packed === undefined) {
    throw new Error(`npm pack has packed nothing: ${printed}`);
  }
  const paths = packed.files.map(({ path }) => path);
  const expected = ["LICENSE", "README.md", "package.json"];
  const unexpected = paths.filter(
    (path) =>
      !expected.includes(path) &&
      !/^(dist\/.*\.(js|d\.ts)|dist\/server\/console\/.*\.(html|css|svg)|bin\/dynakv\.js)$/.test(path),
  );
  const missing = expected.filter((path) => !paths.includes(path));
  const tests = paths.filter((path) => /\/test\/|\.test\.|\.tmp\./.test(path));
  if (unexpected.length + missing.length + tests.length > 0) {
    throw new Error(`${packed.filename}: unexpected ${[...unexpected, ...tests]}, missing ${missing}`);
  }
  const budget = budgets[workspace] ?? 0;
  if (packed.size > budget) {
    throw new Error(`${packed.filename} has ${packed.size} bytes, of ${budget} that it may have`);
  }
  return join(destination, packed.filename);
}
