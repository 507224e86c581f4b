import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import type { Logger } from "pino";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { parseJson } from "../settings/parse-json.js";
import { isJwksUrl } from "../settings/text-checks.js";
import { readSome } from "./strict-json.js";
import { watchFiles } from "./watched-files.js";

type Jose = typeof import("jose");

/** The public keys of who issues JWTs. */
export interface KeySet {
  /** Finds the key for a token; of a URL after fetching it again, at most every half a minute, where the key is unknown. */
  readonly find: JWTVerifyGetKey;
  /** Changes with the keys; undefined while they are being replaced, when tokens may be judged by the old ones still. */
  readonly version: number | undefined;
  close(): void;
}

export interface KeySetOptions {
  /** A path, or a URL. */
  readonly jwks: string;
  readonly jose: Jose;
  readonly logger: Logger;
  /** Hears that keys have changed: what was judged by them may have to be judged again. */
  readonly onChange: () => void;
}

/** Refresh interval in milliseconds: a key that was withdrawn is taken for that much longer. */
const refreshMs = 300_000;
/** Minimum time between fetches that unknown key ids trigger. Anybody can make such tokens. */
const cooldownMs = 30_000;
const fetchTimeoutMs = 5000;
/** The same while there are no keys at all, and every token would be refused. */
const firstCooldownMs = 1000;
const firstFetchTimeoutMs = 30_000;
const maxJwksBytes = 1_048_576;

/** @throws UsageError for a file that cannot be used. A URL that cannot be reached is asked again. */
export function openKeySet(options: KeySetOptions): Promise<KeySet> {
  return isJwksUrl(options.jwks) ? openUrl(options) : openFile(options);
}

async function openFile({ jwks, jose, logger, onChange }: KeySetOptions): Promise<KeySet> {
  let version = 0;
  const files = await watchFiles({
    name: "jwks",
    paths: [jwks],
    load: ([text = ""]) => jose.createLocalJWKSet(parseJwks(text, `jwks ${jwks}`)),
    onReload() {
      version++;
      onChange();
    },
    logger,
  });
  return {
    get find() {
      return files.current;
    },
    get version() {
      return version;
    },
    close: () => files.close(),
  };
}

async function openUrl({ jwks, jose, logger, onChange }: KeySetOptions): Promise<KeySet> {
  let text = "";
  let version = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  let problem: string | undefined;
  const closing = new AbortController();

  const hasKeys = () => text !== "";
  const cooldown = () => (hasKeys() ? cooldownMs : firstCooldownMs);

  async function fetchBounded(url: string, { signal }: { readonly signal: AbortSignal }): Promise<Response> {
    // jose pauses after a success alone: an issuer that is down would be asked for every token that anybody makes up.
    if (problem !== undefined && performance.now() - askedAt < cooldown()) {
      throw new Error(problem);
    }
    askedAt = performance.now();
    try {
      const timeoutMs = hasKeys() ? fetchTimeoutMs : firstFetchTimeoutMs;
      const found = await fetchJwks(url, AbortSignal.any([signal, closing.signal]), timeoutMs);
      const set = parseJwks(found, "jwks");
      if (found !== text) {
        text = found;
        version++;
        onChange();
      }
      problem = undefined;
      return Response.json(set);
    } catch (error) {
      const why = error instanceof UsageError ? error.message : "jwks: request failed";
      if (why !== problem && !closing.signal.aborted) {
        logger.warn(`${why}; keeping the cached keys; will retry`);
      }
      problem = why;
      throw error;
    }
  }

  const remote = jose.createRemoteJWKSet(new URL(jwks), {
    timeoutDuration: firstFetchTimeoutMs,
    cooldownDuration: cooldownMs,
    // Through an outage of the issuer its keys stay in force. They are renewed below.
    cacheMaxAge: Number.POSITIVE_INFINITY,
    [jose.customFetch]: fetchBounded,
  });
  // fetchBounded has logged what goes wrong.
  const reload = () => remote.reload().catch(() => {});
  // In the cooldown's time, so that an outage ends with the next round.
  const timer = setInterval(() => {
    const isDue = problem !== undefined || !hasKeys();
    if (performance.now() - askedAt >= (isDue ? cooldown() : refreshMs)) {
      void reload();
    }
  }, firstCooldownMs + 1).unref();
  // A start does not wait for a slow answer, but the calls that come before it do.
  await Promise.race([reload(), sleep(fetchTimeoutMs, undefined, { ref: false })]);
  return {
    find: remote,
    // A set that was fetched is in force only once jose has read it.
    get version() {
      return remote.reloading ? undefined : version;
    },
    close() {
      clearInterval(timer);
      closing.abort();
    },
  };
}

/**
 * Reads a JSON Web Key Set.
 *
 * @param label what errors call it
 * @throws UsageError
 */
export function parseJwks(text: string, label: string): JSONWebKeySet {
  const set = parseJson(text, label) as { keys?: unknown } | null;
  // Not strict: RFC 7517 has its readers pass over what they do not know.
  const keys = readSome(set?.keys, `${label}: keys`, (key, place) => {
    const { kty, d, k } = (key ?? {}) as { kty?: unknown; d?: unknown; k?: unknown };
    if (typeof kty !== "string") {
      throw new UsageError(`${place}: is no key; a JWKS is {"keys": [{"kty": …}]}`);
    }
    if (d !== undefined || k !== undefined) {
      throw new UsageError(`${place}: holds the secret part of a key; publish the public part alone`);
    }
    return key;
  });
  return { keys } as JSONWebKeySet;
}

/**
 * Asks the URL once, on a connection of its own, which ends with the answer.
 *
 * @throws UsageError mostly; its message begins with `jwks: `
 */
export function fetchJwks(url: string, closing: AbortSignal, timeoutMs = fetchTimeoutMs): Promise<string> {
  const signal = AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)]);
  const get = url.startsWith("https:") ? getHttps : getHttp;
  return new Promise((resolve, reject) => {
    get(url, { agent: false, signal, headers: { accept: "application/json" } }, (answer) => {
      let text = "";
      if (answer.statusCode !== 200) {
        answer.destroy();
        reject(new UsageError(`jwks: the URL returned HTTP ${answer.statusCode}`));
      }
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > maxJwksBytes) {
          answer.destroy(new UsageError(`jwks: the response exceeds ${maxJwksBytes} bytes`));
        }
      });
      answer.on("error", reject);
      answer.on("end", () => resolve(text));
    }).on("error", (error: NodeJS.ErrnoException) => {
      reject(
        error instanceof UsageError
          ? error
          : new UsageError(`jwks: cannot connect to the URL (${error.code ?? error.name})`),
      );
    });
  });
}
