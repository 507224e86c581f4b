const dynakv = require("@dynakv/client");
const { calls } = require("./calls.mjs");

test("the client answers", async () => {
  expect(await calls(dynakv, process.env.DYNAKV_ADDRESS)).toBe("gRPC");
});
