// A rate limit: so many requests a caller and minute, each counted in one write. The window begins with its first request.
import { createClient } from "@dynakv/client";

const client = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });
const requests = client.counters("requests:");

async function isAllowed(caller: string, limit: number): Promise<boolean> {
  const { allowed } = await requests.rateLimit(caller, { limit, windowMs: 60_000 });
  return allowed;
}

for (let n = 0; n < 4; n++) {
  console.log(await isAllowed("ada", 3));
}
// prints true
// prints true
// prints true
// prints false
client.close();
