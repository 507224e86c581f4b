// Sessions that end half an hour after they were last used, and at once when their user logs out.
import { randomUUID } from "node:crypto";
import { createClient, json } from "@dynakv/client";

const client = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });
interface Session {
  readonly user: string;
}
const sessions = client.keyspace("session:", json<Session>());
const idle = { seconds: 1800 };

async function logIn(user: string): Promise<string> {
  const id = randomUUID();
  await sessions.set(id, { user }, { expiry: idle, idempotent: true });
  return id;
}

async function findSession(id: string): Promise<Session | undefined> {
  const session = await sessions.get(id);
  const secondsLeft = ((session?.expireTime?.getTime() ?? 0) - Date.now()) / 1000;
  // A write costs more than a read: one in five minutes keeps a session alive.
  if (session !== undefined && secondsLeft < idle.seconds - 300) {
    await sessions.touch(id, idle, { idempotent: true });
  }
  return session?.value;
}

const id = await logIn("ada");
console.log((await findSession(id))?.user); // prints ada
console.log(await sessions.delete(id)); // prints true
console.log(await findSession(id)); // prints undefined
client.close();
