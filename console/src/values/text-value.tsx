import { useState } from "preact/hooks";
import { VisibleText } from "../ui/visible-text.js";
import { bytesShortly } from "../values/sizes.js";

/** More at once makes a browser slow to lay it out. */
const shownAtFirst = 50_000;

/** A value as the text that it is. */
export function TextValue({ text }: { readonly text: string }) {
  const [isWhole, setIsWhole] = useState(text.length <= shownAtFirst);
  return (
    <>
      <div class="value text" role="region" tabIndex={0} aria-label="Value as text">
        <pre>
          <VisibleText text={isWhole ? text : cut(text)} keepLines />
        </pre>
      </div>
      {!isWhole && (
        <p class="more">
          The first {bytesShortly(shownAtFirst)} of {bytesShortly(text.length)}.{" "}
          <button type="button" class="button small" onClick={() => setIsWhole(true)}>
            Show all of it
          </button>
        </p>
      )}
    </>
  );
}

/** Not between the halves of one character. */
function cut(text: string): string {
  const end = (text.charCodeAt(shownAtFirst - 1) & 0xfc00) === 0xd800 ? shownAtFirst - 1 : shownAtFirst;
  return text.slice(0, end);
}
