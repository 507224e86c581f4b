import { createClient } from "../../client/src/index.js";
import { createServer } from "../../server/src/index.js";

/** The page of a server that has had calls of each kind, some of which failed. */
export async function readPageAfterCalls(): Promise<string> {
  const server = createServer({
    listen: "127.0.0.1:0",
    adminListen: "127.0.0.1:0",
    data: "memory",
    logLevel: "silent",
  });
  const { url, adminUrl } = await server.start();
  const client = createClient({ address: url });
  try {
    await client.set("a", new Uint8Array([1]));
    await Promise.all(Array.from({ length: 20 }, (_, index) => client.get(`k${index % 5}`)));
    await Promise.all(Array.from({ length: 20 }, () => client.incr("n")));
    for await (const _ of client.mget(["a", "b", "c"])) {
      // Only that it was called matters.
    }
    await client.touch("a", { seconds: 60 });
    await client.delete("a");
    await client.get("").catch(() => {});
    return await (await fetch(`${adminUrl}/metrics`)).text();
  } finally {
    client.close();
    await server.stop();
  }
}
