/** What must not compile: checked by `npm run typecheck`, where each `@ts-expect-error` without an error is one itself. */
import { createRouterTransport } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { z } from "zod";
import { suite } from "../../server/test/support/suite.js";
import { createClient, json, protobuf, utf8 } from "../src/index.js";
import { LimitsSchema } from "../src/schema.js";

const test = suite("types");
const client = createClient({ transport: createRouterTransport(() => {}) });

/** Never called. */
export async function wrong(): Promise<void> {
  const names = client.keyspace("name:", utf8);
  const users = client.keyspace("user:", json(z.object({ name: z.string(), age: z.number() })));
  const limits = client.keyspace("limits:", protobuf(LimitsSchema));
  const hits = client.counters("hits:");

  // @ts-expect-error: a number where text belongs
  await names.set("a", 5);
  // @ts-expect-error: a field is missing
  await users.set("a", { name: "Ada" });
  // @ts-expect-error: a field is of another type
  await users.set("a", { name: "Ada", age: "36" });
  // @ts-expect-error: no such field
  await limits.set("a", { maxKeyCount: 5 });
  // @ts-expect-error: text where bytes belong
  await client.set("a", "text");

  // @ts-expect-error: what is read has the type of the keyspace
  const name: number | undefined = (await names.get("a"))?.value;
  // @ts-expect-error: the entry may be missing
  (await users.get("a")).value.name;

  const entry = await client.get("a");
  // @ts-expect-error: it may be a counter
  entry?.value;
  // @ts-expect-error: a counter has no value
  if (entry?.kind === "counter") entry.value;
  // @ts-expect-error: a number where a bigint belongs
  await hits.set("a", 5);
  // @ts-expect-error: a swap that is repeated would return its own value
  await client.swap("a", new Uint8Array(), { idempotent: true });
  // @ts-expect-error: metadata has no value
  (await client.getMetadata("a"))?.value;
  // @ts-expect-error: a counter is no text
  const text: string | undefined = await hits.get("a");

  // @ts-expect-error: a number where a bigint belongs
  await client.incr("a", { delta: 5 });
  // @ts-expect-error: a number where a bigint belongs
  await hits.incr("a", { max: 5 });
  // @ts-expect-error: a bigint is no number
  const count: number = await client.incr("a");

  // @ts-expect-error: two conditions
  await client.set("a", new Uint8Array(), { ifAbsent: true, ifEtag: "e" });
  // @ts-expect-error: an expiry without a unit
  await client.set("a", new Uint8Array(), { expiry: 60 });
  // @ts-expect-error: touch changes the expiry
  await client.touch("a", "keep");
  // @ts-expect-error: increments are repeatable anyhow
  await client.incr("a", { idempotent: true });
  // @ts-expect-error: a reason that does not exist
  await client.get("a").catch((error: import("../src/index.js").DynakvError) => error.reason === "NOT_FOUND");
  void [name, text, count];
}

test("what must not compile stands in a function that is never called", () => {
  assert.type(wrong, "function");
});

test.run();
