import { useEffect, useRef } from "preact/hooks";
import type { Failure } from "../connection/failure.js";
import { isTokenWanted } from "../connection/session.js";
import { Icon } from "./icon.js";

/** A failure, with what to do next. */
export function FailureNote({
  failure,
  onRetry,
}: {
  readonly failure: Failure;
  readonly onRetry?: (() => void) | undefined;
}) {
  const { title, message, advice, callId, reason } = failure;
  const note = useRef<HTMLDivElement>(null);
  useEffect(() => note.current?.scrollIntoView({ block: "nearest" }), [failure]);
  return (
    <div ref={note} class="note danger" role="alert" data-reason={reason}>
      <Icon name="alert" />
      <div>
        <p class="note-title">{title}</p>
        <p class="note-words">{message}</p>
        {advice !== undefined && <p>{advice}</p>}
        {callId !== undefined && (
          <p class="quiet">
            In the server's log: <code>{callId}</code>
          </p>
        )}
        <div class="note-actions">
          {reason === "UNAUTHENTICATED" && (
            <button type="button" class="button small" onClick={() => isTokenWanted.set(true)}>
              Give a token
            </button>
          )}
          {onRetry !== undefined && (
            <button type="button" class="button small" onClick={onRetry}>
              Try again
            </button>
          )}
        </div>
      </div>
    </div>
  );
}
