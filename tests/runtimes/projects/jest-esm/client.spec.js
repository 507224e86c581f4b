import * as dynakv from "@dynakv/client";
import { calls } from "./calls.mjs";

test("the client answers", async () => {
  expect(await calls(dynakv, process.env.DYNAKV_ADDRESS)).toBe("gRPC");
});
