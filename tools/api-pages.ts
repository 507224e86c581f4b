/**
 * Writes the API pages of the packages, by typedoc, to docs/api:
 *
 *     npm run docs:api
 *
 * typedoc needs a TypeScript below 7, so that it is set up apart from the repository's packages, once.
 */
import { once } from "node:events";
import { join } from "node:path";
import { installOnce, ToolMissing } from "./install-once.js";
import { print } from "./print.js";
import { startProgram } from "./programs.js";
import { root } from "./root.js";

const packages = ["typedoc@0.28.20", "typescript@5.9.3"];
const entryPoints = [
  "client/src/index.ts",
  "client/src/grpc-js.ts",
  "client/src/web.ts",
  "client/src/celery.ts",
  "server/src/index.ts",
  "server/src/faults/index.ts",
  "testing/src/index.ts",
];

async function main(): Promise<number> {
  const folder = await installOnce({ name: "typedoc", version: "0.28.20", pins: packages }, (target, run) =>
    run(["npm", "install", "--prefix", target, "--no-audit", "--no-fund", "--ignore-scripts", ...packages]),
  );
  const options = [
    "--out",
    join(root, "docs/api"),
    "--name",
    "dynakv",
    "--tsconfig",
    join(root, "tsconfig.json"),
    "--readme",
    "none",
    "--excludeInternal",
    "--excludePrivate",
    "--disableSources",
    // Types of the schema are linked by its comments, not by these pages.
    "--validation.notExported",
    "false",
  ];
  const typedoc = join(folder, "node_modules/typedoc/bin/typedoc");
  const child = startProgram(process.execPath, [typedoc, ...options, ...entryPoints], { cwd: root, stdio: "inherit" });
  const [code] = (await once(child, "close")) as [number | null];
  return code ?? 1;
}

process.exitCode = await main().catch((error: Error) => {
  print(error instanceof ToolMissing ? error.message : `${error.stack}`);
  return error instanceof ToolMissing ? 2 : 1;
});
