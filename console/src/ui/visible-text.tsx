import { toVisibleParts } from "../values/visible-text.js";

/** Text that anybody may have written, of which everything is seen, and that does not change how what stands beside it is seen. */
export function VisibleText({ text, keepLines = false }: { readonly text: string; readonly keepLines?: boolean }) {
  return (
    <bdi class="visible-text">
      {toVisibleParts(text, { keepLines }).map(({ text: part, isMark }, index) =>
        isMark ? (
          <span key={index} class="mark" title={`a character that cannot be seen: ${part}`}>
            {part}
          </span>
        ) : (
          part
        ),
      )}
    </bdi>
  );
}
