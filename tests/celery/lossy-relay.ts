import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Hands bytes on between callers and a server, and loses a share of what the server answers. */
export interface LossyRelay {
  /** A host and a port. */
  readonly address: string;
  /** The share of what the server sends that is lost, and its connection with it, from 0 to 1. */
  rate: number;
  /** How often that has happened. */
  readonly lost: number;
  stop(): Promise<void>;
}

export async function startLossyRelay(target: string): Promise<LossyRelay> {
  const { hostname: host, port } = new URL(target);
  const open = new Set<Socket>();
  const relay = createServer((from) => {
    const to = connect({ host, port: Number(port) });
    from.pipe(to);
    to.on("data", (chunk: Buffer) => {
      if (Math.random() < state.rate) {
        state.lost++;
        from.destroy();
        return;
      }
      from.write(chunk);
    });
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  await once(relay.listen(0, "127.0.0.1"), "listening");
  const state = {
    address: `127.0.0.1:${(relay.address() as AddressInfo).port}`,
    rate: 0,
    lost: 0,
    async stop() {
      for (const socket of open) {
        socket.destroy();
      }
      await once(relay.close(), "close");
    },
  };
  return state;
}
