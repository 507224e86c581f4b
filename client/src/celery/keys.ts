import { checkOptions, nonEmptyText, text } from "../arguments/checks.js";

/** Options of keys. */
export interface KeyOptions {
  /** Celery's `result_backend_transport_options["global_keyprefix"]`, if it is set. */
  readonly globalKeyPrefix?: string | undefined;
}

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

export function checkKeyOptions(of: string, options: KeyOptions | undefined): KeyOptions {
  return checkOptions<KeyOptions>(of, options, { globalKeyPrefix: text });
}

function key(prefix: string, id: string, options: KeyOptions | undefined): string {
  const { globalKeyPrefix = "" } = checkKeyOptions("a key", options);
  nonEmptyText("id", id);
  // As Celery does (KeyValueStoreBackend._add_global_keyprefix).
  const separator = globalKeyPrefix === "" || /[:_\-.]$/.test(globalKeyPrefix) ? "" : "_";
  return bytesLiteral(new TextEncoder().encode(`${globalKeyPrefix}${separator}${prefix}${id}`));
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
