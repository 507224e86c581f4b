import { waitUntil } from "./wait-until.js";

/** How many of each kind of resource keep the process alive, by Node's name of the kind. */
export type Resources = ReadonlyMap<string, number>;

export function countResources(): Resources {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** The kinds that a server or a client leaves behind when it is not closed. */
const watched = ["TCPServerWrap", "TCPSocketWrap", "Timeout", "PipeWrap", "ProcessWrap"];

/** Resolves once nothing is left that was not there before; rejects, naming it, when something stays. */
export async function waitForNoLeaks(before: Resources): Promise<void> {
  let leaks: string[] = [];
  // Less than the timers that shall not be left behind take to run out by themselves.
  const patienceMs = 5000;
  const noneIsLeft = () => {
    const now = countResources();
    leaks = watched.filter((kind) => (now.get(kind) ?? 0) > (before.get(kind) ?? 0));
    return leaks.length === 0;
  };
  await waitUntil("nothing is left after stop", noneIsLeft, patienceMs).catch(() => {
    throw new Error(`left behind after stop: ${leaks.join(", ")}`);
  });
}
