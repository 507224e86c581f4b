import { besideList, linkTo } from "../routing/route.js";
import { useStore } from "../store.js";
import { Icon } from "../ui/icon.js";
import { VisibleText } from "../ui/visible-text.js";
import { type Notice, notices, putAway, undo } from "./notices.js";

export function NoticeList() {
  const all = useStore(notices);
  return (
    <div class="notices" role="status" aria-label="Changes">
      {all.map((notice) => (
        <div key={notice.id} class={`notice ${notice.state === "not undone" ? "bad" : ""}`}>
          <p>
            {said(notice)}{" "}
            <a class="mono" href={linkTo(besideList(notice.key))}>
              <VisibleText text={notice.key} />
            </a>
            {notice.why !== undefined && <span class="notice-why">{notice.why}</span>}
          </p>
          {notice.undo !== undefined && notice.state === "done" && (
            <button type="button" class="button small" onClick={() => void undo(notice)}>
              <Icon name="undo" /> Undo
            </button>
          )}
          <button type="button" class="icon-button" aria-label="Put away" onClick={() => putAway(notice.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

function said({ state, what }: Notice): string {
  switch (state) {
    case "done":
      return what;
    case "undoing":
      return "Undoing…";
    case "undone":
      return "As it was before:";
    case "not undone":
      return "It could not be undone:";
  }
}
