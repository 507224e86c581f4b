import type { Expiry } from "@dynakv/client";
import { parseDayOrTime } from "../../common/command-line/parse-time.js";
import { UsageError } from "../../common/command-line/usage-error.js";

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const duration = /^(?:\d+[smhdw])+$/;

/** As much as a duration of Protobuf can be, some 10,000 years. */
const maxSeconds = 315_576_000_000;

/** Syntax of `--expire`, for `--help`. */
export const expiryHelp = "expiry: a duration (90s, 15m, 1h30m, 7d), a time (2030-01-31, 2030-01-31T12:00:00Z), never";

/** Reads what `--expire` says. Throws a UsageError. */
export function parseExpiry<Word extends "keep" | "never" | "server-default">(
  text: string,
  words: readonly Word[],
): { readonly seconds: number } | Date | Word {
  const word = words.find((each) => each === text);
  if (word !== undefined) {
    return word;
  }
  if (duration.test(text)) {
    const seconds = [...text.matchAll(/(\d+)([smhdw])/g)].reduce(
      (sum, [, count, unit]) => sum + Number(count) * (unitSeconds[unit ?? ""] ?? 0),
      0,
    );
    if (seconds > maxSeconds) {
      throw new UsageError(
        `--expire: ${JSON.stringify(text)} is more than ${maxSeconds.toLocaleString("en")} seconds; never is longer still`,
      );
    }
    return { seconds } satisfies Expiry;
  }
  const at = parseDayOrTime(text);
  if (at === undefined) {
    throw new UsageError(
      `--expire: ${JSON.stringify(text)} is none of: a time such as 90s, 15m, 1h30m or 7d; a day that exists, such as 2030-01-31, or a time with Z or an offset, such as 2030-01-31T12:00:00Z; ${words.join(", ")}`,
    );
  }
  return at;
}
