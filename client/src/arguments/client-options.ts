import type { Interceptor, Transport } from "@connectrpc/connect";
import type { RetryOptions } from "../retry-options.js";
import type { KeepAliveOptions, SharedOptions } from "../shared-options.js";
import { maxTimerMs } from "../sleep.js";
import type { TlsOptions } from "../tls-options.js";
import { arrayOf, type Check, type Checks, callback, flag, mustBe, numberIn, objectOf, objectWith } from "./checks.js";
import { describe, kindOf, tagOf } from "./describe.js";

const delayMs = numberIn("0 or more milliseconds", 0);
const retryOptions = objectOf<RetryOptions>({
  maxAttempts: numberIn("1 or more", 1),
  baseDelayMs: delayMs,
  maxDelayMs: delayMs,
});

const retries: Check<RetryOptions | false> = (name, given) => (given === false ? false : retryOptions(name, given));

/** A bearer token: one word of ASCII. Errors never quote it. */
export const bearer: Check<string> = (name, given) => {
  if (typeof given !== "string") {
    throw mustBe(name, "a string", kindOf(given));
  }
  if (!/^[\x21-\x7e]+$/.test(given)) {
    throw mustBe(name, "one word of ASCII", "a string that cannot be sent in a header");
  }
  return given;
};

const token: Check<NonNullable<SharedOptions["token"]>> = (name, given) =>
  typeof given === "function" ? (given as () => string) : bearer(name, given);

const keepAliveMs = numberIn(`a number of milliseconds from 1 to ${maxTimerMs}`, 1, maxTimerMs);

export const sharedOptions: Checks<SharedOptions> = {
  defaultTimeoutMs: delayMs,
  retries,
  keepAlive: objectOf<KeepAliveOptions>({ intervalMs: keepAliveMs, timeoutMs: keepAliveMs }),
  token,
  allowInsecureToken: flag,
  batching: flag,
};

export const interceptors: Check<readonly Interceptor[]> = arrayOf<Interceptor>(callback);

export const transport: Check<Transport> = objectWith("a Transport of Connect", "unary", "stream");

/** In PEM, which is never told. */
const pem: Check<string | Buffer> = (name, given) => {
  if (typeof given !== "string" && tagOf(given) !== "Uint8Array") {
    throw mustBe(name, "PEM, as a string or a Buffer", describe(given));
  }
  return given as string | Buffer;
};

export const tls: Check<TlsOptions> = objectOf<TlsOptions>({ ca: pem, cert: pem, key: pem });
