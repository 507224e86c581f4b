import { once } from "node:events";
import { createServer } from "node:net";
import { listenProblem } from "../listener/listen-on.js";
import type { Settings } from "../settings/settings.js";
import { splitAddress } from "../settings/text-checks.js";
import { type Finding, failure, ok, warning } from "./finding.js";

/** Checks whether the server could listen where the settings say: by listening there for a moment, and answering nobody. */
export async function checkListen({ listen, adminListen }: Settings): Promise<readonly Finding[]> {
  return [
    await tryAddress("listen", listen),
    ...(adminListen === undefined ? [] : [await tryAddress("adminListen", adminListen)]),
  ];
}

async function tryAddress(setting: "listen" | "adminListen", address: string): Promise<Finding> {
  const { host, port } = splitAddress(address);
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (error) {
    const { code, found, advice = `choose another with ${setting}` } = listenProblem(setting, error);
    return code === "EADDRINUSE"
      ? warning(setting, `${address} is in use: by a running dynakv?`, advice)
      : failure(setting, `cannot listen on ${address}: ${found}`, advice);
  }
  server.close();
  await once(server, "close");
  return ok(setting, port === 0 ? `a free port of ${host}` : `${address} is free`);
}
