import * as dynakv from "@dynakv/client";
import { expect, test } from "vitest";
// @ts-expect-error It has no types.
import { calls } from "./calls.mjs";

test("the client answers", async () => {
  expect(await calls(dynakv, process.env.DYNAKV_ADDRESS)).toBe("gRPC");
});
