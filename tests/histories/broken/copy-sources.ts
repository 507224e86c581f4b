import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../../tools/root.js";
import type { BrokenBuild } from "./broken-builds.js";

/** All that the runner needs, tests and packages' own modules included. */
const copied = [
  "package.json",
  "client/package.json",
  "client/src",
  "common",
  "gen",
  "server/package.json",
  "server/src",
  "server/test/support",
  "tests/histories",

  "tools",
];
const linked = ["client/node_modules", "server/node_modules"];

/** Copies the sources into the repository's cache with the changes of a broken build. Resolves to the copy's root. */
export async function copySources({ name, edits }: BrokenBuild): Promise<string> {
  const target = join(root, "node_modules/.cache/dynakv-histories", name);
  await rm(target, { recursive: true, force: true });
  for (const path of copied) {
    await cp(join(root, path), join(target, path), { recursive: true });
  }
  for (const path of linked) {
    await mkdir(join(root, path), { recursive: true });
    await symlink(join(root, path), join(target, path));
  }
  for (const { file, from, to } of edits) {
    const path = join(target, file);
    const parts = (await readFile(path, "utf8")).split(from);
    if (parts.length !== 2) {
      throw new Error(`broken build ${name}: ${file} has what is to be replaced ${parts.length - 1} times, not once`);
    }
    await writeFile(path, parts.join(to));
  }
  return target;
}
