import { useTestServer } from "@dynakv/testing/FRAMEWORK";
import { createShop } from "./shop.js";

const kv = useTestServer();
const shop = () => createShop(kv.client);

test("a basket is empty at first", async () => {
  expect(await shop().basket("ada")).toEqual({});
});

test("what is added is there", async () => {
  await shop().addToBasket("ada", "tea");
  await shop().addToBasket("ada", "tea", 2);
  expect(await shop().basket("ada")).toEqual({ tea: 3 });
});

test("each customer has a basket", async () => {
  await shop().addToBasket("ada", "tea");
  expect(await shop().basket("grace")).toEqual({});
});

test("no addition is lost when several come at once", async () => {
  await Promise.all(["a", "b", "c", "d"].map((item) => shop().addToBasket("ada", item)));
  expect(await shop().basket("ada")).toEqual({ a: 1, b: 1, c: 1, d: 1 });
});

test("a basket is kept for half an hour", async () => {
  await shop().addToBasket("ada", "tea");
  kv.clock.advance({ minutes: 29 });
  expect(await shop().basket("ada")).toEqual({ tea: 1 });
  kv.clock.advance({ minutes: 1 });
  expect(await shop().basket("ada")).toEqual({});
});

test("each addition keeps it for half an hour more", async () => {
  await shop().addToBasket("ada", "tea");
  kv.clock.advance({ minutes: 29 });
  await shop().addToBasket("ada", "milk");
  kv.clock.advance({ minutes: 29 });
  expect(await shop().basket("ada")).toEqual({ tea: 1, milk: 1 });
});

test("an addition survives a lost answer", async () => {
  kv.faults.loseNextAnswer();
  await shop().addToBasket("ada", "tea");
  expect(await shop().basket("ada")).toEqual({ tea: 1 });
});

test("an addition waits for a throttled table", async () => {
  kv.faults.throttleNext(2);
  expect(await shop().addToBasket("ada", "tea")).toEqual({ tea: 1 });
});
