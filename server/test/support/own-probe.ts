import type { ProxiedRequest } from "../../src/faults/index.js";

/** Whether a request is a server's own look, once a second, at whether its table is there: it belongs to no call. */
export function isOwnProbe({ bytes }: Pick<ProxiedRequest, "bytes">): boolean {
  return bytes.includes("dynakv:probe");
}
