import { createServer } from "node:net";

/**
 * Below what Linux, macOS and Windows give to those who ask for any port, and to connections: only who names such a port has it, and
 * so it is still free when the program that is told it comes to listen.
 */
const [lowest, highest] = [20_000, 32_000];

/** A port of this machine that nobody listens on, for a program that has to be told one. */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await isFree(port)) {
      return port;
    }
  }
  throw new Error("no free port");
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
