import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./root.js";

const packed = join(root, "node_modules/@bufbuild", `buf-${process.platform}-${process.arch}`, "bin/buf");

/** buf's own program where its package has this name, and else the script that starts it, which takes longer than most calls. */
export const buf = existsSync(packed) ? packed : join(root, "node_modules/.bin/buf");
