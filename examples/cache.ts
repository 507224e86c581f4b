// A cache before something slow: a report that is computed once in five minutes.
import { createClient, json } from "@dynakv/client";

const client = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });

interface Report {
  readonly id: string;
  readonly total: number;
}
const cache = client.keyspace("report:", json<Report>());
// A cache that is down must not take the service down: read around it, and soon.
const timeoutMs = Number(process.env.CACHE_TIMEOUT_MS ?? 200);
let computed = 0;

async function readReport(id: string): Promise<Report> {
  const cached = await cache.get(id, { timeoutMs }).catch(() => undefined);
  if (cached !== undefined) {
    return cached.value;
  }
  computed++;
  const fresh = { id, total: 42 };
  // Any other process would write the same value, so a lost answer is no reason to fail: the last write may win.
  await cache.set(id, fresh, { expiry: { seconds: 300 }, idempotent: true, timeoutMs }).catch(() => {});
  return fresh;
}

await readReport("q3");
const again = await readReport("q3");
console.log(again.total, computed); // prints 42 1
client.close();
