import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP balancer, as a service of Kubernetes or a network load balancer is: it knows nothing but connections. */
export interface Balancer {
  readonly url: string;
  /** Where new connections go, in turn; those that there are stay where they are. */
  targets: readonly string[];
  stop(): void;
}

export async function startBalancer(): Promise<Balancer> {
  const sockets = new Set<Socket>();
  let next = 0;
  const balancer = {
    url: "",
    targets: [] as readonly string[],
    stop() {
      server.close();
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
  const server = createServer({ allowHalfOpen: true }, (front) => join(front, balancer.targets.length));

  function join(front: Socket, tries: number): void {
    const target = balancer.targets[next++ % balancer.targets.length];
    if (target === undefined || tries === 0) {
      front.destroy();
      return;
    }
    const { hostname, port } = new URL(target);
    const back = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const refused = () => join(front, tries - 1);
    back.once("error", refused);
    back.once("connect", () => {
      back.off("error", refused);
      for (const [socket, other] of [
        [front, back],
        [back, front],
      ] as const) {
        sockets.add(socket);
        socket.on("error", () => other.destroy());
        socket.once("close", () => {
          sockets.delete(socket);
          other.destroySoon();
        });
        socket.pipe(other);
      }
    });
  }

  await once(server.listen(0, "127.0.0.1"), "listening");
  balancer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return balancer;
}
