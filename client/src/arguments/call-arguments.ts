import type { CallOptions as ConnectCallOptions, ContextValues } from "@connectrpc/connect";
import type { CallOptions, ReadOptions, WriteOptions } from "../call-options.js";
import type { ManyWritesOptions } from "../many-writes/many-writes.js";
import type { MDeleteOptions, MSetOptions } from "../many-writes/options.js";
import type { MGetOptions } from "../mget/mget.js";
import type {
  DeleteOptions,
  IncrOptions,
  RateLimitOptions,
  SetOptions,
  SwapOptions,
  TakeOptions,
  TouchOptions,
} from "../operations.js";
import type { DeletePrefixOptions } from "../scan/delete-prefix.js";
import type { ScanOptions } from "../scan/scan.js";
import type { UpdateOptions } from "../update.js";
import type { ConditionOptions, Expiry } from "../write-options.js";
import {
  type Check,
  type Checks,
  callback,
  flag,
  integer64,
  integerIn,
  mustBe,
  nonEmptyText,
  numberIn,
  objectOf,
  objectWith,
  oneOf,
  text,
} from "./checks.js";
import { describe, kindOf, quote, tagOf } from "./describe.js";

/** Headers set by the transport, and connection-level headers, which would break a shared connection. */
const reservedHeaders: ReadonlySet<string> = new Set([
  "connect-protocol-version",
  "connect-timeout-ms",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "grpc-encoding",
  "grpc-timeout",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const headers: Check<NonNullable<ConnectCallOptions["headers"]>> = (name, given) => {
  if (typeof given !== "object" || given === null) {
    throw mustBe(name, "what the constructor of Headers takes", kindOf(given));
  }
  let checked: Headers;
  try {
    checked = new Headers(given as ConnectCallOptions["headers"]);
  } catch {
    // Its own error quotes the value, which may be a secret.
    throw mustBe(name, "names and values that HTTP can carry, as the constructor of Headers takes them", kindOf(given));
  }
  for (const header of checked.keys()) {
    if (reservedHeaders.has(header)) {
      throw new TypeError(`${name} must not hold ${header}, which is the transport's`);
    }
  }
  return checked;
};

const signal: Check<AbortSignal> = (name, given) => {
  const checked = objectWith<AbortSignal>("an AbortSignal", "addEventListener", "removeEventListener")(name, given);
  if (typeof checked.aborted !== "boolean") {
    throw mustBe(name, "an AbortSignal", describe(given));
  }
  return checked;
};

const expiryForms = '{ seconds }, a Date, "never", "keep" or "server-default"';
/** Beyond it a double is no exact number of seconds; what is too late for the server is refused there. */
const seconds = objectOf<{ seconds: number }>({
  seconds: numberIn("a number of seconds", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
});

export const expiry: Check<Expiry> = (name, given) => {
  switch (given) {
    case "never":
    case "keep":
    case "server-default":
      return given;
  }
  if (typeof given !== "object" || given === null) {
    throw mustBe(name, expiryForms, typeof given === "string" ? quote(given) : describe(given));
  }
  if (tagOf(given) === "Date") {
    const date = new Date(Number(given));
    if (Number.isNaN(date.getTime())) {
      throw mustBe(name, expiryForms, "an invalid Date");
    }
    return date;
  }
  const checked = seconds(name, given);
  if (checked.seconds === undefined) {
    throw mustBe(name, expiryForms, "an object without seconds");
  }
  return checked;
};

/** An expiry for what has none of its own to keep. */
export const newExpiry: Check<Exclude<Expiry, "keep">> = (name, given) => {
  const checked = expiry(name, given);
  if (checked === "keep") {
    throw mustBe(name, '{ seconds }, a Date, "never" or "server-default"', '"keep"');
  }
  return checked;
};

export const callOptions: Checks<CallOptions> = {
  signal,
  timeoutMs: numberIn("a number of milliseconds", Number.NEGATIVE_INFINITY),
  headers,
  contextValues: objectWith<ContextValues>("context values, as createContextValues makes them", "get", "set", "delete"),
  onHeader: callback,
  onTrailer: callback,
};

export const readOptions: Checks<ReadOptions> = { ...callOptions, consistency: oneOf("eventual", "strong") };

const writeOptions: Checks<WriteOptions> = { ...callOptions, idempotent: flag };

/** The flags may be false, which is as if they were not given. */
export const conditions = { ifAbsent: flag, ifPresent: flag, ifEtag: nonEmptyText } as Checks<ConditionOptions>;

export const setOptions = { ...writeOptions, ...conditions, expiry } as Checks<SetOptions>;
export const swapOptions = { ...callOptions, ...conditions, expiry } as Checks<SwapOptions>;
export const deleteOptions = { ...writeOptions, ...conditions } as Checks<DeleteOptions>;
export const takeOptions = { ...callOptions, ...conditions } as Checks<TakeOptions>;

const remaining: Check<{ readonly seconds: number }> = (name, given) => {
  const checked = seconds(name, given);
  if (checked.seconds === undefined || checked.seconds <= 0) {
    throw mustBe(name, "{ seconds } above 0", describe(checked.seconds));
  }
  return checked;
};

export const touchOptions: Checks<TouchOptions> = {
  ...writeOptions,
  ifEtag: nonEmptyText,
  ifRemainingBelow: remaining,
};

export const incrOptions: Checks<IncrOptions> = {
  ...callOptions,
  delta: integer64,
  initial: integer64,
  min: integer64,
  max: integer64,
  expiry,
  expiryIfCreated: newExpiry,
  requestId: nonEmptyText,
  member: nonEmptyText,
};

const count = integerIn("a whole number from 1", 1, Number.MAX_SAFE_INTEGER);
/** A year, in milliseconds. */
const longestWindowMs = 366 * 86_400_000;

export const rateLimitOptions: Checks<RateLimitOptions> = {
  ...callOptions,
  limit: count,
  windowMs: integerIn(`a whole number of milliseconds from 1 to ${longestWindowMs}`, 1, longestWindowMs),
  cost: count,
};

export const mgetOptions: Checks<MGetOptions> = {
  ...readOptions,
  order: oneOf("arrival", "request"),
  streams: integerIn("a whole number from 1 to 100", 1, 100),
};

export const scanOptions: Checks<ScanOptions> = { ...readOptions, prefix: text, cursor: text };

export const updateOptions: Checks<UpdateOptions> = {
  ...callOptions,
  expiry,
  maxTries: integerIn("a whole number from 1", 1, Number.MAX_SAFE_INTEGER),
};

const manyWritesOptions: Checks<ManyWritesOptions> = {
  ...callOptions,
  idempotent: flag,
  streams: integerIn("a whole number from 1 to 100", 1, 100),
};

export const deletePrefixOptions: Checks<DeletePrefixOptions> = {
  ...callOptions,
  cursor: text,
  maxKeys: integerIn("a whole number from 1", 1, Number.MAX_SAFE_INTEGER),
  onProgress: callback,
};

export const msetOptions: Checks<MSetOptions> = { ...manyWritesOptions, returnPrevious: flag };
export const mdeleteOptions: Checks<MDeleteOptions> = { ...manyWritesOptions, returnEntries: flag };

/** The keys of an mget: each is checked as it is taken. */
export const keys: Check<Iterable<string> | AsyncIterable<string>> = iterableOf("strings");
export const setEntries: Check<Iterable<unknown> | AsyncIterable<unknown>> = iterableOf("entries");
export const deleteKeys: Check<Iterable<unknown> | AsyncIterable<unknown>> = iterableOf("keys");

function iterableOf<T>(items: string): Check<Iterable<T> | AsyncIterable<T>> {
  return (name, given) => iterable<T>(`an array or another iterable of ${items}`, name, given);
}

function iterable<T>(wanted: string, name: string, given: unknown): Iterable<T> | AsyncIterable<T> {
  if (typeof given !== "object" || given === null) {
    throw mustBe(name, wanted, kindOf(given));
  }
  const { [Symbol.iterator]: sync, [Symbol.asyncIterator]: async } = given as Record<symbol, unknown>;
  if (typeof sync !== "function" && typeof async !== "function") {
    throw mustBe(name, wanted, kindOf(given));
  }
  return given as Iterable<T>;
}
