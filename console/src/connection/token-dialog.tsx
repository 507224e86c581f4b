import { useState } from "preact/hooks";
import { Dialog } from "../ui/dialog.js";
import { changeToken, hasToken, isTokenWanted } from "./session.js";

/** Asks who calls. The console may do what that caller may, and nothing else. */
export function TokenDialog() {
  const [text, setText] = useState("");
  const [isKept, setIsKept] = useState(false);
  const [problem, setProblem] = useState<string | undefined>();
  const close = () => isTokenWanted.set(false);

  function give(token: string | undefined) {
    try {
      changeToken(token, isKept);
    } catch (error) {
      setProblem((error as Error).message);
    }
  }

  return (
    <Dialog title="Who calls" onClose={close}>
      <form
        class="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          give(text.trim());
        }}
      >
        <p>
          The server wants to know who calls. The console is a client like others: it may do what your token may.
          Without one, a client certificate of your browser may do as well.
        </p>
        <label class="field">
          Bearer token
          <input
            type="password"
            class="mono"
            value={text}
            autocomplete="off"
            autofocus
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <label class="switch">
          <input type="checkbox" checked={isKept} onChange={(event) => setIsKept(event.currentTarget.checked)} />
          <span>Keep it until this tab is closed, also when the page is loaded again</span>
        </label>
        {problem !== undefined && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <div class="dialog-actions">
          {hasToken() && (
            <button type="button" class="button" onClick={() => give(undefined)}>
              Forget the token
            </button>
          )}
          <span class="spacer" />
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={text.trim() === ""}>
            Use it
          </button>
        </div>
      </form>
    </Dialog>
  );
}
