import type { Socket } from "node:net";
import { networkOf } from "./remote-address.js";

export interface ConnectionCountLimits {
  /** The most connections in all. Without it there is no limit. */
  readonly maxConnections?: number | undefined;
  /** The most connections of one remote address (of IPv6: of a network of 64 bits). Without it there is no limit. */
  readonly maxConnectionsPerAddress?: number | undefined;
}

/** Returns true if there is room for a new connection. One that was admitted counts until it is closed. */
export type AdmitConnection = (socket: Socket) => boolean;

export function createConnectionCounts(limits: ConnectionCountLimits): AdmitConnection {
  const { maxConnections = Number.POSITIVE_INFINITY, maxConnectionsPerAddress = Number.POSITIVE_INFINITY } = limits;
  const byNetwork = new Map<string, number>();
  let all = 0;
  return (socket) => {
    const network = networkOf(socket.remoteAddress ?? "");
    const ofNetwork = byNetwork.get(network) ?? 0;
    if (all >= maxConnections || ofNetwork >= maxConnectionsPerAddress) {
      return false;
    }
    all++;
    byNetwork.set(network, ofNetwork + 1);
    socket.once("close", () => {
      all--;
      const left = (byNetwork.get(network) ?? 0) - 1;
      if (left > 0) {
        byNetwork.set(network, left);
      } else {
        byNetwork.delete(network);
      }
    });
    return true;
  };
}
