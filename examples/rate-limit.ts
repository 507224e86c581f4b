// A rate limit: a counter for each caller and minute, whose bound DynamoDB checks as it adds. It expires by itself.
import { createClient, DynakvError } from "@dynakv/client";

const client = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });
const requests = client.counters("requests:");

async function isAllowed(caller: string, limit: bigint, now = Date.now()): Promise<boolean> {
  const minute = Math.floor(now / 60_000);
  try {
    await requests.incr(`${caller}:${minute}`, { max: limit, expiry: { seconds: 120 } });
    return true;
  } catch (error) {
    if (error instanceof DynakvError && error.reason === "OUT_OF_BOUNDS") {
      return false;
    }
    throw error;
  }
}

const now = Date.now();
for (let n = 0; n < 4; n++) {
  console.log(await isAllowed("ada", 3n, now));
}
// prints true
// prints true
// prints true
// prints false
client.close();
