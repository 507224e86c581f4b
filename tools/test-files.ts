import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./root.js";

/** The folders that hold tests. */
export const testFolders = ["client/test", "server/test", "cli/test", "testing/test", "tests"] as const;

/** Every test file, by its path from the root, in a fixed order. */
export function listTestFiles(): string[] {
  return testFolders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".test.ts"))
      .sort()
      .map((path) => `${folder}/${path.replaceAll("\\", "/")}`),
  );
}
