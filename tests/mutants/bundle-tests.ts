import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

/** The packages of this repository, which tsconfig.json says where to find. */
const ownPackage = /^@dynakv\//;

/**
 * Makes one module of test files and of all that they import from this repository, but for packages. A process that imports it has read
 * the sources as they are now, whatever it has imported before, in a fraction of the time that each file by itself would take.
 */
export async function bundleTests(folder: string, files: readonly string[], outfile: string): Promise<void> {
  await build({
    stdin: {
      // Node knows by the index which tests are meant: see warm-process.mjs.
      contents: files.map((file, index) => `import "begin:${index}";\nimport "./${file}";\n`).join(""),
      resolveDir: folder,
      loader: "ts",
    },
    bundle: true,
    // A test is imported for what it does.
    ignoreAnnotations: true,
    format: "esm",
    platform: "node",
    target: "node20",
    tsconfig: join(folder, "tsconfig.json"),
    outfile,
    logLevel: "silent",
    plugins: [beginnings, packages, ownUrls(folder)],
  });
}

const beginnings: Plugin = {
  name: "beginnings",
  setup(context) {
    context.onResolve({ filter: /^begin:/ }, ({ path }) => ({ path, namespace: "begin" }));
    context.onLoad({ filter: /.*/, namespace: "begin" }, ({ path }) => ({
      contents: `globalThis.UVU_INDEX = ${path.slice("begin:".length)};`,
    }));
  },
};

const packages: Plugin = {
  name: "packages",
  setup(context) {
    context.onResolve({ filter: /^[^./]/ }, ({ path }) =>
      ownPackage.test(path) ? undefined : { path, external: true },
    );
  },
};

/** A module still finds what lies beside it. */
function ownUrls(folder: string): Plugin {
  return {
    name: "own-urls",
    setup(context) {
      context.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const contents = await readFile(path, "utf8");
        return contents.includes("import.meta.url") && path.startsWith(folder)
          ? { contents: contents.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)), loader: "ts" }
          : undefined;
      });
    },
  };
}
