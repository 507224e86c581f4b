// A lock: whoever writes the key first holds it. It expires when its holder dies, and only its holder's etag releases it.
import { createClient, DynakvError, utf8 } from "@dynakv/client";

const client = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });
const locks = client.keyspace("lock:", utf8);

/** Undefined when another one holds the lock. */
async function withLock<T>(name: string, holder: string, work: () => Promise<T>): Promise<T | undefined> {
  let etag: string;
  try {
    ({ etag } = await locks.set(name, holder, { ifAbsent: true, expiry: { seconds: 30 } }));
  } catch (error) {
    if (error instanceof DynakvError && error.reason === "ALREADY_EXISTS") {
      return undefined;
    }
    // With the outcome UNKNOWN nobody can tell who holds it now. It expires.
    throw error;
  }
  try {
    return await work();
  } finally {
    // By now it may have expired, and be another's.
    await locks.delete(name, { ifEtag: etag }).catch(() => {});
  }
}

const worked = await withLock("import", "worker 1", async () => {
  const other = await withLock("import", "worker 2", async () => "both");
  return other ?? "only one";
});
console.log(worked); // prints only one
console.log(await locks.get("import")); // prints undefined
client.close();
