import { createClient } from "./adapter.js";

/** A client of the server that the environment names, and the methods that it has called. */
export function createNotingClient() {
  const called = [];
  const note = (next) => (request) => {
    called.push(request.method.name);
    return next(request);
  };
  return { client: createClient({ address: process.env.DYNAKV_ADDRESS, interceptors: [note] }), called };
}

/** Registers what the published suites do not ask. */
export function testManyAsOneCall(it, createStore, { client, called }) {
  it("setMany and deleteMany are one call each", async ({ expect }) => {
    const store = createStore();
    const keys = Array.from({ length: 500 }, (_, n) => `many ${n}`);
    called.length = 0;
    await store.setMany(keys.map((key) => ({ key, value: `of ${key}` })));
    expect(called).toEqual(["MSet"]);
    expect(await store.getMany(keys)).toEqual(keys.map((key) => `of ${key}`));
    called.length = 0;
    expect([await store.deleteMany(keys)].flat().every(Boolean)).toBe(true);
    expect(called).toEqual(["MDelete"]);
    expect(await client.has("keyv:many 0")).toBe(false);
  });
}
