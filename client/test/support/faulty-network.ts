import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * What lies between a client and its server. `silence` and `reset` concern the connections that there are: those opened later
 * are forwarded, as by a balancer that has found another replica. `holes` is how many further ones are taken and never answered.
 */
export interface FaultyNetwork {
  readonly host: string;
  readonly url: string;
  /** How many connections were opened in all. */
  readonly opened: number;
  /** From now on nothing passes on the connections that there are, either way, and none of them is closed. */
  silence(): void;
  /** Resets the connections that there are. */
  reset(): void;
  /** Takes so many connections from now on and answers nothing. */
  swallow(connections: number): void;
  stop(): Promise<void>;
}

interface Link {
  readonly near: Socket;
  readonly far: Socket | undefined;
  isSilent: boolean;
}

export async function startFaultyNetwork(target: string): Promise<FaultyNetwork> {
  const { hostname, port } = new URL(target);
  const links = new Set<Link>();
  let opened = 0;
  let holes = 0;
  const server = createServer((near) => {
    opened++;
    near.on("error", () => {});
    if (holes > 0) {
      holes--;
      const link = { near, far: undefined, isSilent: true };
      links.add(link);
      near.on("data", () => {}).on("close", () => links.delete(link));
      return;
    }
    const far = connect({ host: hostname, port: Number(port) });
    far.on("error", () => near.destroy());
    const link: Link = { near, far, isSilent: false };
    links.add(link);
    near.on("data", (chunk) => link.isSilent || far.write(chunk));
    far.on("data", (chunk) => link.isSilent || near.write(chunk));
    far.on("close", () => link.isSilent || near.end());
    near.on("close", () => {
      links.delete(link);
      far.destroy();
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}`,
    get opened() {
      return opened;
    },
    silence() {
      for (const link of links) {
        link.isSilent = true;
      }
    },
    reset() {
      for (const { near } of links) {
        near.resetAndDestroy();
      }
    },
    swallow(connections) {
      holes += connections;
    },
    async stop() {
      for (const { near, far } of links) {
        near.destroy();
        far?.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
