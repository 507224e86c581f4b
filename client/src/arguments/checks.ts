import { int64 } from "../../../common/int64.js";
import { describe, kindOf, quote, tagOf } from "./describe.js";

/** Returns an argument as it is used from then on, so that nobody changes it meanwhile, or throws a TypeError that names it. */
export type Check<T = unknown> = (name: string, given: unknown) => T;

/** The checks of an object's members, by their names. */
export type Checks<O extends object = object> = { readonly [Name in keyof O]-?: Check<NonNullable<O[Name]>> };

/** The error of a wrong argument. */
export function mustBe(name: string, wanted: string, got: string): TypeError {
  return new TypeError(`${name} must be ${wanted}, not ${got}`);
}

/** Text that UTF-8 can carry: half a surrogate pair would arrive as another character, and so name another key. */
export const text: Check<string> = (name, given) => {
  if (typeof given !== "string") {
    throw mustBe(name, "a string", kindOf(given));
  }
  if (!given.isWellFormed()) {
    throw mustBe(name, "well-formed Unicode text", "a string with a lone surrogate");
  }
  return given;
};

export const nonEmptyText: Check<string> = (name, given) => {
  const checked = text(name, given);
  if (checked === "") {
    throw mustBe(name, "a string of at least one character", "an empty one");
  }
  return checked;
};

/** Bytes, of any realm. */
export const bytes: Check<Uint8Array> = (name, given) => {
  if (!(given instanceof Uint8Array) && (!ArrayBuffer.isView(given) || tagOf(given) !== "Uint8Array")) {
    throw mustBe(name, "a Uint8Array", kindOf(given));
  }
  if (given.byteLength === 0 && isDetached(given.buffer)) {
    throw mustBe(name, "a Uint8Array", "one whose buffer was transferred away");
  }
  return given as Uint8Array;
};

/** The memory of such an array is gone, and it looks as if it were empty. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

export const flag: Check<boolean> = (name, given) => {
  if (typeof given !== "boolean") {
    throw mustBe(name, "true or false", describe(given));
  }
  return given;
};

/** A whole number that fits 64 bits. */
export const integer64: Check<bigint> = (name, given) => {
  if (typeof given !== "bigint") {
    throw mustBe(name, "a bigint, such as 1n", describe(given));
  }
  if (given < int64.min || given > int64.max) {
    throw mustBe(name, "a bigint of 64 bits", describe(given));
  }
  return given;
};

/** A number within limits, both included; NaN never is. */
export function numberIn(wanted: string, low: number, high = Number.POSITIVE_INFINITY): Check<number> {
  return (name, given) => {
    if (typeof given !== "number" || !(given >= low && given <= high)) {
      throw mustBe(name, wanted, describe(given));
    }
    return given;
  };
}

export function integerIn(wanted: string, low: number, high: number): Check<number> {
  const inRange = numberIn(wanted, low, high);
  return (name, given) => {
    if (!Number.isInteger(given)) {
      throw mustBe(name, wanted, describe(given));
    }
    return inRange(name, given);
  };
}

export function oneOf<T extends string>(...choices: readonly T[]): Check<T> {
  return (name, given) => {
    if (!choices.includes(given as T)) {
      const wanted = choices.map((choice) => JSON.stringify(choice)).join(" or ");
      throw mustBe(name, wanted, typeof given === "string" ? quote(given) : describe(given));
    }
    return given as T;
  };
}

export function callback<F>(name: string, given: unknown): F {
  if (typeof given !== "function") {
    throw mustBe(name, "a function", describe(given));
  }
  return given as F;
}

/** An object that has these methods, whatever made it. */
export function objectWith<T>(wanted: string, ...methods: readonly string[]): Check<T> {
  return (name, given) => {
    const isObject = (typeof given === "object" && given !== null) || typeof given === "function";
    const has = (method: string) => typeof (given as Record<string, unknown>)[method] === "function";
    if (!isObject || !methods.every(has)) {
      throw mustBe(name, wanted, describe(given));
    }
    return given as T;
  };
}

export function arrayOf<T>(each: Check<T>): Check<readonly T[]> {
  return (name, given) => {
    if (!Array.isArray(given)) {
      throw mustBe(name, "an array", describe(given));
    }
    return Array.from(given, (member, index) => each(`${name}[${index}]`, member));
  };
}

/** An object with these members and no others, copied. What is undefined counts as not given. */
export function objectOf<O extends object>(checks: Checks<O>): Check<O> {
  return (name, given) => {
    if (!isPlainObject(given)) {
      throw mustBe(name, "an object", describe(given));
    }
    return checkMembers(name, given, checks);
  };
}

/** An object whose members, of any names, are functions, copied. */
export function objectOfFunctions<F>(name: string, given: unknown): Readonly<Record<string, F>> {
  if (!isPlainObject(given)) {
    throw mustBe(name, "an object", describe(given));
  }
  return Object.fromEntries(
    Object.entries(given).map(([member, value]) => [member, callback<F>(`${name}[${quote(member)}]`, value)]),
  );
}

const none = Object.freeze({});

/** The options of a call, copied. */
export function checkOptions<O extends object>(of: string, given: O | undefined, checks: Checks<O>): O {
  if (given === undefined) {
    return none as O;
  }
  if (!isPlainObject(given)) {
    throw mustBe(`options of ${of}`, "an object", describe(given));
  }
  return checkMembers(`options of ${of}`, given, checks);
}

/** Neither an array nor a promise that was not awaited is taken for an object without members. */
function isPlainObject(given: unknown): given is object {
  return (
    typeof given === "object" &&
    given !== null &&
    (Object.getPrototypeOf(given) === Object.prototype || tagOf(given) === "Object")
  );
}

function checkMembers<O extends object>(name: string, given: object, checks: Checks<O>): O {
  const checked: Record<string, unknown> = {};
  for (const member in given) {
    if (!Object.hasOwn(checks, member)) {
      throw new TypeError(`${name}: there is no ${quote(member)}, but ${Object.keys(checks).join(", ")}`);
    }
    const value: unknown = given[member as keyof typeof given];
    if (value !== undefined) {
      checked[member] = checks[member as unknown as keyof O](member, value);
    }
  }
  return checked as O;
}

/** A call whose wrong arguments reject its promise, as its other errors do. */
export function rejecting<A extends unknown[], T>(call: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  return (...args) => {
    try {
      return call(...args);
    } catch (error) {
      return Promise.reject(error instanceof TypeError ? error : unreadable(error));
    }
  };
}

/** A getter or a proxy has thrown. */
function unreadable(cause: unknown): TypeError {
  return new TypeError("the arguments cannot be read", { cause });
}
