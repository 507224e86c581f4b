import type { Server, StartedServer } from "../server-options.js";

/** Starts the server. A start that fails because it was stopped, while it waited for the table say, is no failure. */
export async function startUnless(server: Server, stopping: AbortSignal): Promise<StartedServer | undefined> {
  try {
    return await server.start();
  } catch (error) {
    if (stopping.aborted) {
      return undefined;
    }
    throw error;
  }
}
