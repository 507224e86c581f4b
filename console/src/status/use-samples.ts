import { useEffect, useState } from "preact/hooks";
import type { Figures } from "../../../common/figures.js";
import { client } from "../connection/session.js";
import { useStore } from "../store.js";
import { NoFigures, readFigures } from "./figures.js";
import { type Sample, toSample } from "./figures-between.js";

export const sampleMs = 1000;
/** Two minutes. */
export const maxSamples = 120;

export interface Samples {
  readonly samples: readonly Sample[];
  /** The reading of now; undefined before the first. */
  readonly latest: Figures | undefined;
  /** Why there are none. */
  readonly why: string | undefined;
}

/** Reads the server's figures each second while the page is looked at. */
export function useSamples(): Samples {
  const connection = useStore(client);
  const [state, setState] = useState<Samples>({ samples: [], latest: undefined, why: undefined });
  useEffect(() => {
    const leaving = new AbortController();
    let before: Figures | undefined;
    let samples: readonly Sample[] = [];

    async function read(): Promise<void> {
      if (document.visibilityState !== "visible") {
        return;
      }
      const after = await readFigures(leaving.signal);
      const sample = before && toSample(before, after, Date.now());
      samples =
        sample === undefined && before !== undefined ? [] : sample ? [...samples, sample].slice(-maxSamples) : samples;
      before = after;
      setState({ samples, latest: after, why: undefined });
    }

    async function watch(): Promise<void> {
      while (!leaving.signal.aborted) {
        try {
          await read();
        } catch (error) {
          if (error instanceof NoFigures) {
            // Who is refused does not ask again and again: that would count as so many attempts to guess a token.
            setState({ samples: [], latest: undefined, why: error.message });
            return;
          }
          before = undefined;
        }
        await new Promise((resolve) => setTimeout(resolve, sampleMs));
      }
    }

    void watch();
    return () => leaving.abort();
  }, [connection]);
  return state;
}
