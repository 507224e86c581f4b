import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { folderProblem } from "../embedded/open-store.js";
import { type Finding, failure, ok } from "./finding.js";

const subject = "data";

/** Checks whether the embedded engine could keep its data there. It opens no data: whether another dynakv uses it shows only then. */
export async function checkDataFolder(data: string): Promise<Finding> {
  if (data === "memory") {
    return ok(subject, "in memory, and gone when the server ends");
  }
  const folder = resolve(data);
  try {
    const there = await findFolder(folder);
    // To make a folder in one, it need not be readable.
    await access(there, constants.W_OK | constants.X_OK | (there === folder ? constants.R_OK : 0));
    return ok(subject, there === folder ? `in the folder '${folder}'` : `the server will create '${folder}'`);
  } catch (error) {
    const { found, advice } = folderProblem(error);
    return failure(subject, `'${folder}' ${found}`, advice);
  }
}

/** The folder, or the nearest above it that is there: where it would be created. */
async function findFolder(folder: string): Promise<string> {
  try {
    if ((await stat(folder)).isDirectory()) {
      return folder;
    }
  } catch (error) {
    const above = dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || above === folder) {
      throw error;
    }
    return findFolder(above);
  }
  throw Object.assign(new Error("is no folder"), { code: "ENOTDIR" });
}
