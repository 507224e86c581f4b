import { useTestServer } from "@dynakv/testing/FRAMEWORK";
import { createShop, SoldOut } from "./shop.js";

const kv = useTestServer();
const shop = () => createShop(kv.client);

test("nothing is left of what was never there", async () => {
  expect(await shop().left("tea")).toBe(0n);
  await expect(shop().reserve("tea")).rejects.toThrow(SoldOut);
});

test("what is reserved is taken from the stock", async () => {
  await shop().stockUp("tea", 10);
  expect(await shop().reserve("tea", 3)).toBe(7n);
  expect(await shop().left("tea")).toBe(7n);
});

test("no more is reserved than there is, however many ask", async () => {
  await shop().stockUp("tea", 5);
  const asked = await Promise.allSettled(Array.from({ length: 20 }, () => shop().reserve("tea")));
  expect(asked.filter(({ status }) => status === "fulfilled").length).toBe(5);
  expect(await shop().left("tea")).toBe(0n);
});

test("a reservation whose answer is lost takes one", async () => {
  await shop().stockUp("tea", 5);
  kv.faults.loseNextAnswer();
  expect(await shop().reserve("tea")).toBe(4n);
  expect(await shop().left("tea")).toBe(4n);
});

test("an order has what was in the basket, and empties it", async () => {
  await shop().addToBasket("ada", "tea");
  expect(await shop().order("1", "ada")).toEqual({ customer: "ada", items: { tea: 1 } });
  expect(await shop().basket("ada")).toEqual({});
});

test("an order that is sent twice is one order", async () => {
  await shop().addToBasket("ada", "tea");
  await shop().order("1", "ada");
  expect(await shop().order("1", "ada")).toEqual({ customer: "ada", items: { tea: 1 } });
});

test("an order fails while the table cannot be reached, and can be sent again", async () => {
  const impatient = createShop(kv.createClient({ retries: false }));
  await shop().addToBasket("ada", "tea");
  kv.faults.unavailable();
  await expect(impatient.order("1", "ada")).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
  kv.faults.clear();
  expect(await impatient.order("1", "ada")).toEqual({ customer: "ada", items: { tea: 1 } });
});
