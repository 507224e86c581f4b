import type { Entry } from "@dynakv/client/web";
import { CopyButton } from "../ui/copy-button.js";
import { bytesExactly } from "../values/sizes.js";
import { ago, duration, localTime } from "../values/times.js";

/** What is known of an entry beside its value. */
export function EntryFacts({ entry, now }: { readonly entry: Entry; readonly now: number }) {
  const { writeTime, expireTime, etag } = entry;
  const left = expireTime === undefined ? undefined : expireTime.getTime() - now;
  return (
    <dl class="facts entry-facts">
      <div>
        <dt>Kind</dt>
        <dd>{entry.kind}</dd>
      </div>
      {entry.kind === "value" && (
        <div>
          <dt>Size</dt>
          <dd>{bytesExactly(entry.value.length)}</dd>
        </div>
      )}
      <div>
        <dt>Written</dt>
        <dd>
          {writeTime === undefined ? "not known" : `${ago(now - writeTime.getTime())}`}
          {writeTime !== undefined && <span class="quiet"> {localTime(writeTime)}</span>}
        </dd>
      </div>
      <div>
        <dt>Expires</dt>
        <dd class={left !== undefined && left < 60_000 ? "soon" : undefined}>
          {left === undefined ? "never" : left <= 0 ? "gone" : `in ${duration(left)}`}
          {expireTime !== undefined && <span class="quiet"> {localTime(expireTime)}</span>}
        </dd>
      </div>
      <div>
        <dt>Etag</dt>
        <dd class="with-button">
          <code class="etag">{etag}</code>
          <CopyButton text={etag} label="Copy the etag" />
        </dd>
      </div>
    </dl>
  );
}
