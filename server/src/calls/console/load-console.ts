import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { extname } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** A file of the console, in memory. */
export interface ConsoleFile {
  readonly contentType: string;
  readonly etag: string;
  /** True if its name changes with what it holds, so that it never has to be asked for again. */
  readonly isImmutable: boolean;
  readonly body: Uint8Array;
  /** Compressed when it is first asked for. */
  gzipped(): Promise<Uint8Array>;
}

/** The files of the console by their names: `index.html`, and `assets/…`. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

/** The same place beside the sources and in the built package. The console is built into it: console/build.ts. */
const folder = new URL("../../../console/", import.meta.url);

const page = "index.html";
/** Stands in the page for the mode, which it has no other way to learn without a script of its own. */
const modeMark = 'content="on"';

const contentTypes: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const compress = promisify(gzip);

/** Returns true if the console has been built. A clone of the repository builds it when it is first served. */
export function isConsoleBuilt(): boolean {
  return existsSync(new URL(page, folder));
}

/** Loads the files of the console. There are few, and they are small. */
export async function loadConsole(mode: "on" | "read-only"): Promise<ConsoleFiles> {
  if (!isConsoleBuilt()) {
    throw new Error("the console is not built: run `npm run build:console`, or leave the setting console off");
  }
  const assets = (await readdir(new URL("assets/", folder))).map((name) => `assets/${name}`);
  const files = await Promise.all(
    [page, ...assets].map(async (name): Promise<[string, ConsoleFile]> => {
      const read = await readFile(new URL(name, folder));
      const body = name === page ? Buffer.from(read.toString().replace(modeMark, `content="${mode}"`)) : read;
      return [name, toFile(name, body)];
    }),
  );
  return new Map(files);
}

function toFile(name: string, body: Uint8Array): ConsoleFile {
  let gzipped: Promise<Uint8Array> | undefined;
  return {
    contentType: contentTypes[extname(name)] ?? "application/octet-stream",
    // Weak, since it is that of the compressed body as well.
    etag: `W/"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
    isImmutable: name !== page,
    body,
    gzipped() {
      gzipped ??= compress(body, { level: 9 });
      return gzipped;
    },
  };
}
