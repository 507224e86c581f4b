import { useEffect, useState } from "preact/hooks";
import { fetchBeside } from "../connection/session.js";

export type Health = "serving" | "not serving" | "unreachable";

const askEveryMs = 5000;

/** What the server answers to a probe (grpc.health.v1), every few seconds while the page is looked at. */
export function useHealth(): Health | undefined {
  const [health, setHealth] = useState<Health | undefined>();
  useEffect(() => {
    const leaving = new AbortController();
    async function ask() {
      if (document.visibilityState === "visible") {
        const now = await readHealth(leaving.signal);
        if (!leaving.signal.aborted) {
          setHealth(now);
        }
      }
    }
    void ask();
    const timer = setInterval(ask, askEveryMs);
    return () => {
      clearInterval(timer);
      leaving.abort();
    };
  }, []);
  return health;
}

async function readHealth(signal: AbortSignal): Promise<Health> {
  try {
    const response = await fetchBeside("grpc.health.v1.Health/Check", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      signal,
    });
    const { status } = (await response.json()) as { status?: string };
    return status === "SERVING" ? "serving" : "not serving";
  } catch {
    return "unreachable";
  }
}
