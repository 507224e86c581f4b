import * as dynakv from "@dynakv/client";

declare function test(title: string, run: () => Promise<void>): void;
declare function expect(actual: unknown): { toBe(expected: unknown): void };
declare const require: (id: string) => { calls(client: typeof dynakv, address?: string): Promise<string> };

test("the client answers", async () => {
  const { calls } = require("./calls.js");
  expect(await calls(dynakv, process.env.DYNAKV_ADDRESS)).toBe("gRPC");
});
