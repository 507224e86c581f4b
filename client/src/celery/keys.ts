import { type Checks, checkOptions, nonEmptyText, oneOf, text } from "../arguments/checks.js";

/** Options of keys. */
export interface KeyOptions {
  /** Celery's `result_backend_transport_options["global_keyprefix"]`, if it is set. */
  readonly globalKeyPrefix?: string | undefined;
  /**
   * Celery's `KeyValueStoreBackend.key_t`: `bytes`, which is the default, for keys of the form `b'celery-task-meta-…'`; `str`
   * for workers that set `DynamoDBBackend.key_t = str`, for keys without that (https://github.com/celery/celery/issues/5455).
   */
  readonly keyType?: "bytes" | "str" | undefined;
}

export const keyChecks: Checks<KeyOptions> = { globalKeyPrefix: text, keyType: oneOf("bytes", "str") };

/** The key of a task's result. */
export function taskKey(id: string, options?: KeyOptions): string {
  return key("celery-task-meta-", id, options);
}

/** The key of a saved group. */
export function groupKey(id: string, options?: KeyOptions): string {
  return key("celery-taskset-meta-", id, options);
}

/** The key of the counter of a chord, by the id of its group: how many of its tasks have ended. */
export function chordKey(groupId: string, options?: KeyOptions): string {
  return key("chord-unlock-", groupId, options);
}

function key(prefix: string, id: string, options: KeyOptions | undefined): string {
  const { globalKeyPrefix = "", keyType = "bytes" } = checkOptions<KeyOptions>("a key", options, keyChecks);
  nonEmptyText("id", id);
  // As Celery does (KeyValueStoreBackend._add_global_keyprefix).
  const separator = globalKeyPrefix === "" || /[:_\-.]$/.test(globalKeyPrefix) ? "" : "_";
  const plain = `${globalKeyPrefix}${separator}${prefix}${id}`;
  return keyType === "str" ? plain : bytesLiteral(new TextEncoder().encode(plain));
}

const escapes: ReadonlyMap<number, string> = new Map([
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0d, "\\r"],
  [0x5c, "\\\\"],
]);

/**
 * Bytes as Python writes them: Celery's DynamoDB backend stores its keys, which are bytes, in the form `b'…'`
 * (https://github.com/celery/celery/issues/5455).
 */
function bytesLiteral(bytes: Uint8Array): string {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'";
  const text = Array.from(bytes, (byte) => {
    if (byte < 0x20 || byte > 0x7e || byte === 0x5c) {
      return escapes.get(byte) ?? `\\x${byte.toString(16).padStart(2, "0")}`;
    }
    const character = String.fromCharCode(byte);
    return character === quote ? `\\${quote}` : character;
  });
  return `b${quote}${text.join("")}${quote}`;
}
