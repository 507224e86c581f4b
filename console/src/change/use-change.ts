import type { Entry } from "@dynakv/client/web";
import { useState } from "preact/hooks";
import { type Failure, toFailure } from "../connection/failure.js";
import { client } from "../connection/session.js";
import { isConflict } from "./changes.js";

/** What somebody else has made of the key meanwhile. */
export interface Conflict {
  /** Undefined when it holds nothing now. */
  readonly theirs: Entry | undefined;
}

export interface Change {
  readonly isBusy: boolean;
  readonly failure: Failure | undefined;
  readonly conflict: Conflict | undefined;
  /** Makes the change; closes the dialog when it was made. */
  run(change: () => Promise<void>): Promise<void>;
}

/** A change that a dialog makes: it may fail, and somebody else may have been faster. */
export function useChange(key: () => string, onDone: () => void): Change {
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | undefined>();
  const [conflict, setConflict] = useState<Conflict | undefined>();

  async function run(change: () => Promise<void>): Promise<void> {
    setIsBusy(true);
    setFailure(undefined);
    setConflict(undefined);
    try {
      await change();
      onDone();
    } catch (error) {
      if (isConflict(error)) {
        await look(error);
      } else {
        setFailure(toFailure(error));
      }
    } finally {
      setIsBusy(false);
    }
  }

  async function look(conflicting: unknown): Promise<void> {
    try {
      setConflict({ theirs: await client.current.get(key(), { consistency: "strong" }) });
    } catch {
      // Who may write need not be allowed to read.
      setFailure(toFailure(conflicting));
    }
  }

  return { isBusy, failure, conflict, run };
}
