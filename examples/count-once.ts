// A job that counts once, however often it runs: the id of its increment travels with it.
import { createClient, createRequestId } from "@dynakv/client";

const client = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });

// The producer makes the id, not the worker: a worker that took the job over would make another one.
const job = { requestId: createRequestId(), amount: 3n };

// Workers may run it any number of times.
async function run({ requestId, amount }: typeof job): Promise<bigint> {
  return client.incr("orders", { delta: amount, requestId });
}

await run(job);
console.log(await run(job)); // prints 3n
const orders = await client.get("orders", { consistency: "strong" });
console.log(orders?.kind === "counter" && orders.counter); // prints 3n
client.close();
