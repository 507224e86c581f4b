// Sessions that end half an hour after they were last used, and at once when their user logs out.
import { randomUUID } from "node:crypto";
import { createClient, json } from "@dynakv/client";

const client = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });
interface Session {
  readonly user: string;
  readonly visits: number;
}
const sessions = client.keyspace("session:", json<Session>());
const idle = { seconds: 1800 };

async function logIn(user: string): Promise<string> {
  const id = randomUUID();
  await sessions.set(id, { user, visits: 0 }, { expiry: idle, idempotent: true });
  return id;
}

async function findSession(id: string): Promise<Session | undefined> {
  // A write costs more than a read: one in some minutes keeps a session alive.
  const ifRemainingBelow = { seconds: idle.seconds - 300 };
  const session = await sessions.getAndTouch(id, idle, { ifRemainingBelow, idempotent: true });
  return session?.value;
}

async function countVisit(id: string): Promise<void> {
  await sessions.update(id, (session) => session && { ...session, visits: session.visits + 1 });
}

const id = await logIn("ada");
await Promise.all([countVisit(id), countVisit(id)]);
console.log(await findSession(id)); // prints { user: 'ada', visits: 2 }
console.log(await sessions.delete(id)); // prints true
console.log(await findSession(id)); // prints undefined
client.close();
