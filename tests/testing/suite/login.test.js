import { useTestServer } from "@dynakv/testing/FRAMEWORK";
import { createShop, TooManyAttempts } from "./shop.js";

const kv = useTestServer();
const shop = () => createShop(kv.client);

test("a session tells who it is", async () => {
  const id = await shop().logIn("ada", "secret");
  expect(await shop().whoIs(id)).toBe("ada");
});

test("a wrong password opens none", async () => {
  expect(await shop().logIn("ada", "wrong")).toBeUndefined();
});

test("a session ends an hour after it was last used", async () => {
  const id = await shop().logIn("ada", "secret");
  kv.clock.advance({ minutes: 59 });
  expect(await shop().whoIs(id)).toBe("ada");
  kv.clock.advance({ minutes: 59 });
  expect(await shop().whoIs(id)).toBe("ada");
  kv.clock.advance({ hours: 1 });
  expect(await shop().whoIs(id)).toBeUndefined();
});

test("a session ends when its customer logs out", async () => {
  const id = await shop().logIn("ada", "secret");
  await shop().logOut(id);
  expect(await shop().whoIs(id)).toBeUndefined();
});

test("the fourth attempt in a minute is one too many", async () => {
  for (let attempt = 1; attempt <= 3; attempt++) {
    await shop().logIn("ada", "wrong");
  }
  await expect(shop().logIn("ada", "secret")).rejects.toThrow(TooManyAttempts);
  kv.clock.advance({ minutes: 1 });
  expect(await shop().logIn("ada", "secret")).toBeDefined();
});
