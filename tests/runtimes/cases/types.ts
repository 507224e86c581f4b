import { join } from "node:path";
import { root } from "../../../tools/root.js";
import { run } from "../run.js";
import { installTools } from "../toolboxes.js";
import type { Workshop } from "../workshop.js";
import type { Case } from "./case.js";

const program = `
import { createClient, type DynakvClient } from "@dynakv/client";
import { createCelery } from "@dynakv/client/celery";
import { createClient as createWebClient } from "@dynakv/client/web";

const client: DynakvClient = createClient({ address: "http://127.0.0.1:50051" });
export const visits: Promise<bigint> = client.incr("visits");
export const celery = createCelery(createWebClient());
`;

/** A setting of a CommonJS project, and the error that TypeScript has for it. */
interface Setting {
  readonly compiler: "5.9" | "7";
  readonly module: string;
  readonly resolution: string;
  readonly error?: string;
  readonly note: string;
}

const settings: readonly Setting[] = [
  { compiler: "5.9", module: "commonjs", resolution: "node10", note: "type-checks" },
  {
    compiler: "5.9",
    module: "node16",
    resolution: "node16",
    error: "TS1479",
    note: "error TS1479, as it knows no `require()` of ECMAScript modules: set `module` to `node20` or `nodenext`",
  },
  { compiler: "5.9", module: "node20", resolution: "node16", note: "type-checks" },
  { compiler: "5.9", module: "nodenext", resolution: "nodenext", note: "type-checks" },
  { compiler: "5.9", module: "preserve", resolution: "bundler", note: "type-checks" },
  { compiler: "7", module: "node20", resolution: "node16", note: "type-checks" },
  { compiler: "7", module: "nodenext", resolution: "nodenext", note: "type-checks" },
  { compiler: "7", module: "preserve", resolution: "bundler", note: "type-checks" },
];

async function check(workshop: Workshop, { compiler, module, resolution, error }: Setting): Promise<string> {
  const tools = await installTools("types");
  const folder = await workshop.createProject(`types-${compiler}-${module}`, {
    more: { "main.ts": program },
    tools,
    type: "commonjs",
  });
  const tsc = compiler === "7" ? join(root, "node_modules/typescript/bin/tsc") : join(tools, "typescript/bin/tsc");
  const how = ["--noEmit", "--strict", "--target", "es2022", "--types", "node", "--skipLibCheck", "false"];
  const modules = ["--module", module, "--moduleResolution", resolution];
  const checked = await run(folder, [process.execPath, tsc, ...how, ...modules, "main.ts"]).catch((failed: Error) => {
    if (error === undefined || !failed.message.includes(`error ${error}:`)) {
      throw failed;
    }
    return error;
  });
  if (error !== undefined && checked !== error) {
    throw new Error(`there was no error ${error}`);
  }
  return (await run(folder, [process.execPath, tsc, "--version"])).replace("Version", "").trim();
}

export const types: readonly Case[] = settings.map((setting) => ({
  name: `TypeScript ${setting.compiler}, CommonJS, \`module: ${setting.module}\`, \`moduleResolution: ${setting.resolution}\``,
  async try(workshop) {
    return { version: await check(workshop, setting), client: "types", note: setting.note };
  },
}));
