import { createHash } from "node:crypto";
import { withoutLeadingDash } from "../../../common/leading-dash.js";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import { invalidField } from "../errors/dynakv-error.js";
import { keyError } from "./validation.js";

/** Encodes and decodes scan cursors of one table. */
export interface ScanCursors {
  write(key: string, prefix: string): string;
  /** The key after which to go on. Throws INVALID_ARGUMENT for what was not made for this table and prefix. */
  read(cursor: string, prefix: string): string;
}

/** Enough that a cursor which was cut, mistyped or meant for another table is not taken for a good one. */
const checkBytes = 6;

/**
 * A cursor is the last key that was read, with a checksum. Every replica can read it, and who makes one up gains nothing: he could
 * as well scan from the beginning.
 */
export function createScanCursors(table: string): ScanCursors {
  function write(key: string, prefix: string): string {
    const check = createHash("sha256")
      .update(JSON.stringify([table, prefix, key]))
      .digest()
      .subarray(0, checkBytes);
    return withoutLeadingDash(Buffer.concat([check, Buffer.from(key)]).toString("base64url"));
  }

  return {
    write,
    read(cursor, prefix) {
      const key = Buffer.from(cursor, "base64url").toString("utf8", checkBytes);
      if (keyError(key) !== undefined || !key.startsWith(prefix) || write(key, prefix) !== withoutLeadingDash(cursor)) {
        throw invalidField(
          ErrorReason.INVALID_FIELD,
          "cursor",
          "not a cursor of this table and prefix; leave it empty to start over",
        );
      }
      return key;
    },
  };
}
