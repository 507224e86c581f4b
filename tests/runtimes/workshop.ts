import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createServer } from "../../server/src/index.js";
import { root } from "../../tools/root.js";
import { execute, pack } from "../packages/pack.js";

/** What a project holds beside the packed client. */
export interface ProjectOptions {
  /** The folder of `projects` that it begins as. */
  readonly files?: string;
  /** Files that a test writes itself, by their paths. */
  readonly more?: Readonly<Record<string, string>>;
  /** The folder of packages that the project's tools are in. */
  readonly tools?: string;
  /** Whether the tools must lie there themselves, and not behind a link. The default is false. */
  readonly copiesTools?: boolean;
  /** The module kind of its `package.json`. The default is `module`. */
  readonly type?: "module" | "commonjs";
}

/** A server, and projects outside the repository that have the packed client installed. */
export interface Workshop {
  readonly address: string;
  /** Makes a project and returns its folder. */
  createProject(name: string, options?: ProjectOptions): Promise<string>;
  close(): Promise<void>;
}

export async function openWorkshop(): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), "dynakv-runtimes-"));
  const server = createServer({ listen: "127.0.0.1:0", data: "memory", logLevel: "silent", overload: "off" });
  try {
    const { url } = await server.start();
    const installed = await installClient(folder);
    return {
      address: url,
      async createProject(name, { files, more = {}, tools, copiesTools = false, type = "module" } = {}) {
        // What is not found in the project is looked for in the folder above it, as in a repository of several packages.
        const above = join(folder, name);
        const project = join(above, "project");
        await mkdir(project, { recursive: true });
        await cp(installed, join(project, "node_modules"), { recursive: true });
        if (tools !== undefined) {
          const place = join(above, "node_modules");
          await (copiesTools ? cp(tools, place, { recursive: true }) : symlink(tools, place));
        }
        const manifest = JSON.stringify({ name: "example", private: true, type });
        for (const [path, text] of Object.entries({ "package.json": manifest, ...more })) {
          await mkdir(dirname(join(project, path)), { recursive: true });
          await writeFile(join(project, path), text);
        }
        await cp(join(root, "tests/runtimes/projects/calls.mjs"), join(project, "calls.mjs"));
        if (files !== undefined) {
          await cp(join(root, "tests/runtimes/projects", files), project, { recursive: true });
        }
        return project;
      },
      async close() {
        await server.stop();
        await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      },
    };
  } catch (error) {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Installs the packed client into an empty folder, once for all projects. */
async function installClient(folder: string): Promise<string> {
  const project = join(folder, "installed");
  await mkdir(project);
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "example", private: true }));
  const tarball = await pack("client", folder);
  const how = ["--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"];
  await execute(project, "npm", "install", ...how, tarball);
  return join(project, "node_modules");
}
