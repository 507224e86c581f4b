// Idempotency keys, as an HTTP API takes them: a request that is sent again gets the first answer, and is not carried out again.
import { createClient, DynakvError, json } from "@dynakv/client";

const client = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });
type State = { readonly state: "running" } | { readonly state: "done"; readonly receipt: string };
const requests = client.keyspace("idempotency:", json<State>());
let charged = 0;

async function charge(idempotencyKey: string, cents: number): Promise<string> {
  let etag: string;
  try {
    ({ etag } = await requests.set(idempotencyKey, { state: "running" }, { ifAbsent: true, expiry: { seconds: 60 } }));
  } catch (error) {
    if (!(error instanceof DynakvError && error.reason === "ALREADY_EXISTS")) {
      throw error;
    }
    const first = await requests.get(idempotencyKey, { consistency: "strong" });
    if (first?.value.state === "done") {
      return first.value.receipt;
    }
    throw new Error("the first request is still running: answer with 409, and have the caller come again");
  }
  charged += cents;
  const receipt = `charged ${cents} cents`;
  // Only over the note that this request wrote itself; kept for as long as callers may repeat.
  await requests.set(idempotencyKey, { state: "done", receipt }, { ifEtag: etag, expiry: { seconds: 86_400 } });
  return receipt;
}

console.log(await charge("order-17", 500)); // prints charged 500 cents
console.log(await charge("order-17", 500)); // prints charged 500 cents
console.log(charged); // prints 500
client.close();
