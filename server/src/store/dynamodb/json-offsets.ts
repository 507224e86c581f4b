/**
 * Finds its way in the bytes of JSON without parsing it: every function takes an offset and returns another, or {@link broken}.
 */

/** An offset that says: it is not what DynamoDB and the engines write. */
export const broken = -1;
export const quote = 0x22;
export const backslash = 0x5c;
export const comma = 0x2c;
export const colon = 0x3a;
export const objectStart = 0x7b;
export const objectEnd = 0x7d;
const listStart = 0x5b;
export const listEnd = 0x5d;

/** Offset of the list at a path of names. */
export function findList(body: Buffer, path: readonly string[]): number {
  let at = 0;
  for (const wanted of path) {
    at = findMember(body, skipSpace(body, at), wanted);
    if (at === broken) {
      return broken;
    }
  }
  return body[at] === listStart ? at : broken;
}

/** Offset of an object member's value. */
function findMember(body: Buffer, start: number, wanted: string): number {
  if (body[start] !== objectStart) {
    return broken;
  }
  let at = skipSpace(body, start + 1);
  while (body[at] === quote) {
    const nameTo = body.indexOf(quote, at + 1);
    if (nameTo === broken || body[nameTo - 1] === backslash) {
      return broken;
    }
    const isWanted = body.toString("latin1", at + 1, nameTo) === wanted;
    at = skipSpace(body, nameTo + 1);
    if (body[at] !== colon) {
      return broken;
    }
    at = skipSpace(body, at + 1);
    if (isWanted) {
      return at;
    }
    at = skipValue(body, at);
    if (at === broken) {
      return broken;
    }
    at = skipSpace(body, at);
    if (body[at] !== comma) {
      return broken;
    }
    at = skipSpace(body, at + 1);
  }
  return broken;
}

export function skipSpace(body: Buffer, start: number): number {
  let at = start;
  for (let byte = body[at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = body[at]) {
    at++;
  }
  return at;
}

/** End of a skipped value, which is validated by its parser. */
export function skipValue(body: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < body.length; at++) {
    switch (body[at]) {
      case quote:
        at = endOfAnyString(body, at + 1);
        if (at === broken) {
          return broken;
        }
        break;
      case objectStart:
      case listStart:
        depth++;
        continue;
      case objectEnd:
      case listEnd:
        if (depth === 0) {
          return at > start ? at : broken;
        }
        depth--;
        break;
      case comma:
        if (depth === 0) {
          return at > start ? at : broken;
        }
        continue;
      default:
        continue;
    }
    if (depth === 0) {
      return at + 1;
    }
  }
  return broken;
}

function endOfAnyString(body: Buffer, from: number): number {
  for (let at = from; at < body.length; at++) {
    if (body[at] === quote) {
      return at;
    }
    if (body[at] === backslash) {
      at++;
    }
  }
  return broken;
}
