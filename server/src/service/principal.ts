import { createContextKey, type HandlerContext } from "@connectrpc/connect";
import { runInSlices } from "../../../common/time-slices.js";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../errors/dynakv-error.js";

/**
 * Rights to keys. Reading includes knowing that it exists. Writing includes incrementing and touching, and being told what
 * a write tells: whether there was an entry, its etag, and what a counter has become.
 */
export type Right = "read" | "write" | "delete";

export const rights: readonly Right[] = ["read", "write", "delete"];

/** The authenticated caller and its rights. */
export interface Principal {
  /** For logs and metrics, such as the name of a token. Never a secret. */
  readonly name: string;
  may(right: Right, key: string): boolean;
  /** Returns true if there is any key to which it may be done. */
  mayAny(right: Right): boolean;
}

/** The principal of a server without authentication. */
export const anyone: Principal = { name: "anyone", may: () => true, mayAny: () => true };

/** Context key of the principal. */
export const principalKey = createContextKey<Principal>(anyone, { description: "who makes the call" });

/** So many keys are looked up before others are looked after. */
const keysPerStep = 16;

/**
 * The same as {@link checkRight} for any number of keys, in slices: a policy may have very many rules. Then begins what needs the rights.
 */
export function withRights<T>(
  context: HandlerContext,
  right: Right,
  keys: readonly string[],
  begin: () => AsyncIterable<T>,
): AsyncIterable<T> {
  if (context.values.get(principalKey) === anyone) {
    return begin();
  }
  const checked = runInSlices(checkRights(context, right, keys));
  if (checked === undefined) {
    return begin();
  }
  // Nobody may ask for the first result.
  checked.catch(() => {});
  return beginAfter(checked, begin);
}

async function* beginAfter<T>(checked: Promise<void>, begin: () => AsyncIterable<T>): AsyncGenerator<T> {
  await checked;
  yield* begin();
}

function* checkRights(
  { values, signal }: HandlerContext,
  right: Right,
  keys: readonly string[],
): Generator<void, void> {
  const caller = values.get(principalKey);
  for (const [index, key] of keys.entries()) {
    if (!caller.may(right, key)) {
      throw permissionDenied(right);
    }
    if (index % keysPerStep === keysPerStep - 1) {
      yield;
      if (signal.aborted) {
        return;
      }
    }
  }
}

/** Refuses a call to whom may not do this to one of the keys. */
export function checkRight({ values }: HandlerContext, right: Right, keys: readonly string[]): void {
  const caller = values.get(principalKey);
  if (caller !== anyone && !keys.every((key) => caller.may(right, key))) {
    throw permissionDenied(right);
  }
}

/** Neither the key nor what the policy says of others stands in it. */
export function permissionDenied(right?: Right): DynakvError {
  const what = right === undefined ? "do anything" : `${right} what the call names`;
  return new DynakvError(
    ErrorReason.PERMISSION_DENIED,
    `permission denied: the policy does not let this caller ${what}`,
  );
}
