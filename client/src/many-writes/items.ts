import { conditions, expiry } from "../arguments/call-arguments.js";
import { bytes, type Check, type Checks, integer64, mustBe, objectOf, text } from "../arguments/checks.js";
import { kindOf } from "../arguments/describe.js";
import type { Cut } from "../cut-items.js";
import { type ConditionOptions, type Expiry, toCondition, toExpiry } from "../write-options.js";
import type { DeleteItem, SetItem } from "./kinds.js";

/** Few enough that a broken stream leaves few in doubt, and well below what a server takes in one message, by default 4 MiB. */
const limits = { maxItems: 1000, maxLength: 500_000 };

interface EntryParts {
  readonly key?: string;
  readonly value?: Uint8Array;
  readonly counter?: bigint;
  readonly expiry?: Expiry;
}

const entryChecks = { key: text, counter: integer64, expiry, ...conditions };
const anyValue: Check<Uint8Array> = (_, given) => given as Uint8Array;
const checkEntry = objectOf<EntryParts>({ ...entryChecks, value: bytes } as Checks<EntryParts>);
/** Of an entry whose value a codec has yet to encode. */
const checkUnencoded = objectOf<EntryParts>({ ...entryChecks, value: anyValue } as Checks<EntryParts>);
const checkKeyed = objectOf<{ readonly key?: string }>({ key: text, ...conditions } as Checks<{ key?: string }>);

export const setItems: Cut<unknown, SetItem> = {
  ...limits,
  take: (given, index) =>
    at(`entries[${index}]`, () => {
      const { key, value, counter, expiry, ...condition } = wholeEntry(checkEntry("an entry", given));
      const data = counter === undefined ? { value } : { counter };
      return { key, ...data, ...toExpiry(expiry), ...toCondition(condition as ConditionOptions) } as SetItem;
    }),
  lengthOf: ({ key, value }) => key.length + (value?.length ?? 0),
};

export const deleteItems: Cut<unknown, DeleteItem> = {
  ...limits,
  take: (given, index) =>
    at(`keys[${index}]`, () => {
      if (typeof given === "string") {
        return { key: text("it", given) };
      }
      if (typeof given !== "object" || given === null) {
        throw mustBe("it", "a string, or { key } with a condition", kindOf(given));
      }
      const { key, ...condition } = checkKeyed("it", given);
      return { key: text("key", key), ...toCondition(condition as ConditionOptions) };
    }),
  lengthOf: ({ key }) => key.length,
};

/** Checks what is in memory as a whole already, so that nothing of it is sent if any of it is wrong. */
export function checkAll<Given, Taken>(source: unknown, take: Cut<Given, Taken>["take"]): void {
  if (Array.isArray(source)) {
    let index = 0;
    for (const given of source) {
      take(given, index++);
    }
  }
}

export function checkUnencodedEntry(given: unknown, index: number): void {
  at(`entries[${index}]`, () => {
    const { key, value, counter, expiry, ...condition } = checkUnencoded("an entry", given);
    text("key", key);
    toCondition(condition as ConditionOptions);
  });
}

function wholeEntry(entry: EntryParts) {
  const { key, value, counter } = entry;
  text("key", key);
  if ((value === undefined) === (counter === undefined)) {
    throw value === undefined
      ? mustBe("value", "a Uint8Array", "undefined")
      : new TypeError("give a value or a counter");
  }
  return entry;
}

/** Names the position in the error of a wrong item. */
function at<T>(name: string, take: () => T): T {
  try {
    return take();
  } catch (error) {
    throw error instanceof TypeError ? new TypeError(`${name}: ${error.message}`, { cause: error }) : error;
  }
}
