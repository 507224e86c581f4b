import { FailureNote } from "../ui/failure-note.js";
import { Icon } from "../ui/icon.js";
import { bytesShortly, count, counted } from "../values/sizes.js";
import { maxFoundKeys, type Scan, type ScanProgress, startScan } from "./scan.js";

export interface ScanStatusProps {
  readonly scan: Scan;
  readonly progress: ScanProgress;
  /** Number of keys that are shown. */
  readonly shown: number;
}

/** What a scan has read, and what can be done about it. */
export function ScanStatus({ scan, progress, shown }: ScanStatusProps) {
  const { state, found, failure } = progress;
  return (
    <>
      <div class="scan-status">
        <p class="scan-words" role="status" data-state={state}>
          {state === "running" && <span class="spinner" aria-hidden="true" />}
          <span>
            <strong>{counted(found.length, "key")}</strong>
            {shown < found.length && ` · ${count(shown)} shown`}
            {found.length > 0 && ` · ${bytesShortly(progress.bytes)}`}
            {` · ${(progress.ms / 1000).toFixed(1)} s`}
            {costOf(progress)}
          </span>
        </p>
        <div class="scan-actions">
          {state === "running" && (
            <button type="button" class="button small" onClick={() => scan.pause()}>
              <Icon name="pause" /> Pause
            </button>
          )}
          {state === "paused" && (
            <button type="button" class="button small primary" onClick={() => scan.resume()}>
              <Icon name="play" /> Go on
            </button>
          )}
          {(state === "running" || state === "paused") && (
            <button type="button" class="button small" onClick={() => scan.stop()}>
              <Icon name="stop" /> Stop
            </button>
          )}
          {(state === "done" || state === "stopped" || state === "failed") && (
            <button type="button" class="button small" onClick={() => startScan(scan.prefix)}>
              <Icon name="refresh" /> Read again
            </button>
          )}
        </div>
      </div>
      {state === "paused" && (
        <p class="hint">
          {progress.isPausedByItself ? `Paused after ${counted(found.length, "key")}. ` : "Paused. "}
          The server reads no further until you go on.
        </p>
      )}
      {state === "stopped" && (
        <p class="hint">
          {found.length >= maxFoundKeys
            ? `Stopped: a page shows ${count(maxFoundKeys)} keys at most. Narrow it down by a prefix.`
            : "Stopped before the end: there may be more keys."}
        </p>
      )}
      {failure !== undefined && <FailureNote failure={failure} onRetry={() => startScan(scan.prefix)} />}
    </>
  );
}

/** A scan is billed by all that it reads, also by what has another prefix, which nobody but DynamoDB knows before its end. */
function costOf({ units, bytes, state }: ScanProgress): string {
  if (units !== undefined) {
    return ` · ${counted(Number(units.toFixed(1)), "read unit")}`;
  }
  const atLeast = Math.floor(bytes / 8192);
  return state !== "done" && atLeast > 0 ? ` · at least ${counted(atLeast, "read unit")}` : "";
}
