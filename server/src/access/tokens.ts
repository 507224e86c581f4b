import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { parseDayOrTime } from "../../../common/command-line/parse-time.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { parseJson } from "../settings/parse-json.js";
import type { Identity } from "./identity.js";
import { readArray, readObject, readText } from "./strict-json.js";

/** A bearer token, of which only the hash is known. */
export interface TokenEntry {
  /** Its holder's name, for policies. Two tokens may have the same name, so that one can take over from the other. */
  readonly name: string;
  /**
   * Of the token's bytes. A plain hash is enough: tokens are not chosen by people but drawn at random, 256 bits of them, and cannot
   * be guessed however fast the hash is. Salt and slowness protect what can be.
   */
  readonly sha256: string;
  /** As in JSON, a bare day being its midnight in UTC; without it the token is good until its line is removed. */
  readonly expires?: string;
}

/** The tokens of a file. */
export interface Tokens {
  /** The identity of the token with this hash; undefined when unknown or expired. */
  find(digest: Buffer, nowMs: number): Identity | undefined;
  readonly entries: readonly TokenEntry[];
}

/** Marks our tokens for tools that look for secrets in the wrong places. */
const tokenPrefix = "dynakv_";
const tokenBytes = 32;

const namePattern = /^[\w.@/-]{1,128}$/;
const nameForm = "1 to 128 letters, digits and any of . _ @ / -";
const expiresForm = "a day such as 2027-01-01, or a time with Z or an offset, such as 2027-01-01T12:00:00Z";

/** A new token, and its entry for the file. */
export function createToken(name: string, expires?: Date): { readonly token: string; readonly entry: TokenEntry } {
  readText(name, "the token's name", namePattern, nameForm);
  const token = `${tokenPrefix}${randomBytes(tokenBytes).toString("base64url")}`;
  const entry = { name, sha256: hashToken(token).toString("hex") };
  return { token, entry: expires === undefined ? entry : { ...entry, expires: expires.toISOString() } };
}

export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/**
 * Reads a file of tokens: `{"tokens": [{"name": "orders", "sha256": "…", "expires": "2027-01-01T00:00:00Z"}]}`.
 *
 * @param label what errors call the file
 * @throws UsageError
 */
export function parseTokens(text: string, label: string): Tokens {
  const { tokens } = readObject(parseJson(text, label), label, ["tokens"]);
  const byHash = new Map<string, KnownToken>();
  const entries = readArray(tokens, `${label}: tokens`).map((value, index) => {
    const place = `${label}: tokens[${index}]`;
    const known = readToken(value, place);
    if (byHash.has(known.entry.sha256)) {
      throw new UsageError(`${place}: is there twice, with the same sha256`);
    }
    byHash.set(known.entry.sha256, known);
    return known.entry;
  });
  return {
    entries,
    find(digest, nowMs) {
      // The look-up's timing may depend on the hash. Who could choose that to match the beginning of another could
      // as well find a token for it.
      const known = byHash.get(digest.toString("hex"));
      return known !== undefined && timingSafeEqual(known.digest, digest) && nowMs < known.expiresAtMs
        ? known.identity
        : undefined;
    },
  };
}

interface KnownToken {
  readonly entry: TokenEntry;
  readonly digest: Buffer;
  readonly expiresAtMs: number;
  readonly identity: Identity;
}

function readToken(value: unknown, place: string): KnownToken {
  const fields = readObject(value, place, ["name", "sha256"], ["expires"]);
  const name = readText(fields.name, `${place}.name`, namePattern, nameForm);
  const sha256 = readText(
    fields.sha256,
    `${place}.sha256`,
    /^[0-9a-f]{64}$/i,
    "64 hexadecimal digits: the SHA-256 of a token, such as `dynakv token new` prints",
  ).toLowerCase();
  const expires =
    fields.expires === undefined
      ? undefined
      : readText(fields.expires, `${place}.expires`, /^\d{4}-\d\d-\d\d(T\S+)?$/, expiresForm);
  const expiresAtMs = expires === undefined ? Number.POSITIVE_INFINITY : parseDayOrTime(expires)?.getTime();
  if (expiresAtMs === undefined) {
    throw new UsageError(`${place}.expires: there is no such day or time; it must be ${expiresForm}`);
  }
  return {
    entry: expires === undefined ? { name, sha256 } : { name, sha256, expires },
    digest: Buffer.from(sha256, "hex"),
    expiresAtMs,
    identity: { names: [`token:${name}`] },
  };
}
