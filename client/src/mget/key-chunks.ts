import { text } from "../arguments/checks.js";
import { type Chunk, cutItems } from "../cut-items.js";

/** Enough that a stream is worth its start, and so few that several streams share even a set of some ten thousand. */
const maxItems = 4000;
/** Well below what a server takes in one message, by default 4 MiB. */
const maxLength = 500_000;

/** Cuts keys, each with a prefix before it, into requests, and reads no further than it is asked to. */
export function cutKeys(
  keys: Iterable<string> | AsyncIterable<string>,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<Chunk<string>> {
  const take = (key: string, index: number) => {
    if (typeof key !== "string" || !key.isWellFormed()) {
      text(`keys[${index}]`, key);
    }
    return prefix + key;
  };
  return cutItems(keys, { take, lengthOf: (key) => key.length, maxItems, maxLength }, signal);
}
