import * as assert from "uvu/assert";
import { DynakvError } from "../../src/index.js";

/** What a call fails with. Fails itself when the call does not, or not with an error of the client's. */
export async function errorOf(call: Promise<unknown>): Promise<DynakvError> {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.instance(error, DynakvError);
  return error as DynakvError;
}
