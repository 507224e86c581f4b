// A service that keeps its state in dynakv: what the example suite tests.
import { DynakvError, json } from "@dynakv/client";

export class SoldOut extends Error {}
export class TooManyAttempts extends Error {}

const basketSeconds = 1800;
const sessionSeconds = 3600;
const attempts = { limit: 3, windowMs: 60_000 };

export function createShop(client) {
  const baskets = client.keyspace("basket:", json());
  const sessions = client.keyspace("session:", json());
  const orders = client.keyspace("order:", json());
  const stock = client.counters("stock:");

  return {
    async addToBasket(customer, item, count = 1) {
      const add = (basket) => ({ ...basket, [item]: (basket?.[item] ?? 0) + count });
      return (await baskets.update(customer, add, { expiry: { seconds: basketSeconds } })).value;
    },
    basket: async (customer) => (await baskets.get(customer))?.value ?? {},
    stockUp: (item, count) => stock.incr(item, { delta: BigInt(count) }),
    left: async (item) => (await stock.get(item)) ?? 0n,
    async reserve(item, count = 1) {
      try {
        return await stock.incr(item, { delta: BigInt(-count), min: 0n });
      } catch (error) {
        throw error instanceof DynakvError && error.reason === "OUT_OF_BOUNDS" ? new SoldOut(item) : error;
      }
    },
    /** Places an order once, whoever repeats the request. */
    async order(id, customer) {
      try {
        await orders.set(id, { customer, items: await this.basket(customer) }, { ifAbsent: true });
      } catch (error) {
        if (!(error instanceof DynakvError && error.reason === "ALREADY_EXISTS")) {
          throw error;
        }
      }
      await baskets.delete(customer);
      return (await orders.get(id)).value;
    },
    async logIn(customer, password) {
      const { allowed } = await client.rateLimit(`login:${customer}`, attempts);
      if (!allowed) {
        throw new TooManyAttempts(customer);
      }
      if (password !== "secret") {
        return undefined;
      }
      const id = crypto.randomUUID();
      await sessions.set(id, { customer }, { expiry: { seconds: sessionSeconds } });
      return id;
    },
    whoIs: async (id) => (await sessions.getAndTouch(id, { seconds: sessionSeconds }))?.value.customer,
    logOut: (id) => sessions.delete(id),
  };
}
