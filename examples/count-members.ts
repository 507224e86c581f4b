// Visitors of a day: each counts once as long as the counter lives, however often they come.
import { createClient } from "@dynakv/client";

const client = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });

for (const visitor of ["ada", "bob", "ada"]) {
  await client.incr("visitors:2026-11-27", { member: visitor, expiry: { seconds: 2 * 86_400 } });
}
const visitors = await client.get("visitors:2026-11-27", { consistency: "strong" });
console.log(visitors?.kind === "counter" && visitors.counter); // prints 2n
client.close();
