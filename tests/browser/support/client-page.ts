import { join } from "node:path";
import { build } from "esbuild";
import type * as web from "../../../client/src/web.js";
import { root } from "../../../tools/root.js";
import type { ServedFile } from "./page-server.js";

declare global {
  /** What `@dynakv/client/web` exports, in pages of the client. */
  var dynakv: typeof web;
}

/** A page that has the client for browsers as `dynakv`, bundled as an application's bundler would. */
export async function clientPage(): Promise<Readonly<Record<string, ServedFile>>> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as web from "./client/src/web.ts"; globalThis.dynakv = web;`,
      resolveDir: root,
      sourcefile: "page.ts",
    },
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    outdir: join(root, "node_modules"),
    logLevel: "silent",
  });
  const page = `<!doctype html><meta charset="utf-8"><title>dynakv</title><script type="module" src="/page.js"></script>`;
  return {
    "/": { type: "text/html", body: page },
    "/page.js": { type: "text/javascript", body: outputFiles[0]?.contents ?? "" },
  };
}
