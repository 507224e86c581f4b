import { useEffect, useState } from "preact/hooks";
import { clock } from "../connection/session.js";

/** The server's time, each second anew while somebody looks. */
export function useNow(): number {
  const [now, setNow] = useState(() => clock.now());
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") {
        setNow(clock.now());
      }
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
