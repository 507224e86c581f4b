import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Hands bytes on between a server and its engine, and tells which connections are left. */
export interface Relay {
  /** Where the server finds it. */
  readonly endpoint: string;
  /** Whether a text was sent over some connection, and each over which it was has been ended by its sender. */
  wasGivenUp(text: string): boolean;
  /** Number of connections over which a text was sent. */
  carriersOf(text: string): number;
  stop(): Promise<void>;
}

export async function startRelay(target: string): Promise<Relay> {
  const { hostname: host, port } = new URL(target);
  const connections: { readonly from: Socket; sent: string }[] = [];
  const relay = createServer((from) => {
    const connection = { from, sent: "" };
    connections.push(connection);
    const to = connect({ host, port: Number(port) });
    from.on("data", (chunk: Buffer) => {
      connection.sent += chunk.toString("latin1");
    });
    from.pipe(to).pipe(from);
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      socket.on("error", () => {});
      socket.once("close", () => other.destroy());
    }
  });
  await once(relay.listen(0, "127.0.0.1"), "listening");
  const carriersOf = (text: string) => connections.filter(({ sent }) => sent.includes(text));
  return {
    endpoint: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    wasGivenUp(text) {
      const carriers = carriersOf(text);
      return carriers.length > 0 && carriers.every(({ from }) => from.destroyed);
    },
    carriersOf: (text) => carriersOf(text).length,
    async stop() {
      for (const { from } of connections) {
        from.destroy();
      }
      await once(relay.close(), "close");
    },
  };
}
