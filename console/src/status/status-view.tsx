import type { GetInfoResponse } from "@dynakv/client/schema";
import type { ComponentChildren } from "preact";
import { clock, isReadOnly, serverUrl } from "../connection/session.js";
import { useStore } from "../store.js";
import { FailureNote } from "../ui/failure-note.js";
import { bytesExactly, count } from "../values/sizes.js";
import { duration } from "../values/times.js";
import { Charts } from "./charts.js";
import { useHealth } from "./health.js";
import { infoFailure, loadInfo, serverInfo } from "./info.js";

/** The server: what it is, how it does, and within which limits. */
export function ServerView() {
  const info = useStore(serverInfo);
  const failure = useStore(infoFailure);
  return (
    <div class="server-view">
      <section class="card" aria-label="Now">
        <h2>Now</h2>
        <Charts />
      </section>
      {info === undefined ? (
        failure === undefined ? (
          <p class="hint">Asking the server…</p>
        ) : (
          <FailureNote failure={failure} onRetry={() => void loadInfo()} />
        )
      ) : (
        <Facts info={info} />
      )}
    </div>
  );
}

function Facts({ info }: { readonly info: GetInfoResponse }) {
  const health = useHealth();
  const { table, limits, features, defaultExpiry } = info;
  const skew = clock.offsetMs;
  return (
    <div class="cards">
      <FactCard title="Server">
        <Fact name="Health">
          <span class={`state ${health === "serving" ? "good" : health === undefined ? "" : "bad"}`}>
            {health ?? "asking…"}
          </span>
        </Fact>
        <Fact name="Address">
          <code>{serverUrl}</code>
        </Fact>
        <Fact name="Version">{info.version}</Fact>
        <Fact name="Engine">{info.engine}</Fact>
        <Fact name="Clock">
          {skew === 0
            ? "as this browser's"
            : `${duration(Math.abs(skew))} ${skew > 0 ? "ahead of" : "behind"} this browser's`}
        </Fact>
        <Fact name="Console">{isReadOnly ? "read-only" : "may change what the caller may change"}</Fact>
      </FactCard>
      <FactCard title="Table">
        <Fact name="Name">
          <code>{table?.name}</code>
        </Fact>
        <Fact name="Default expiry">{defaultExpiry === undefined ? "never" : seconds(defaultExpiry)}</Fact>
        {(
          [
            ["Key", table?.keyAttribute],
            ["Value", table?.valueAttribute],
            ["Counter", table?.counterAttribute],
            ["Write time", table?.writeTimeAttribute],
            ["Expiry", table?.expiryAttribute],
            ["Etag", table?.etagAttribute],
          ] as const
        ).map(([name, attribute]) => (
          <Fact key={name} name={`${name} attribute`}>
            <code>{attribute}</code>
          </Fact>
        ))}
      </FactCard>
      <FactCard title="Limits">
        <Fact name="Key">{bytesExactly(limits?.maxKeyBytes ?? 0)}</Fact>
        <Fact name="Item">{bytesExactly(limits?.maxItemBytes ?? 0)}</Fact>
        <Fact name="Request">{bytesExactly(limits?.maxRequestBytes ?? 0)}</Fact>
        <Fact name="Keys of a request">{count(limits?.maxKeys ?? 0)}</Fact>
        <Fact name="Members of a counter">{count(limits?.maxCounterMembers ?? 0)}</Fact>
        <Fact name="Deadline">
          {limits?.defaultDeadline && seconds(limits.defaultDeadline)}, at most{" "}
          {limits?.maxDeadline && seconds(limits.maxDeadline)}
        </Fact>
        <Fact name="Retries of an increment">{limits?.requestWindow && seconds(limits.requestWindow)}</Fact>
      </FactCard>
      <FactCard title="Features">
        {(
          [
            ["Expired items are removed", features?.autoExpiry],
            ["Atomic counters", features?.atomicCounters],
            ["Previous values", features?.returnedEntries],
            ["Sliding expiry", features?.slidingExpiry],
            ["Expiry to the millisecond", features?.exactExpiry],
            ["Many writes at once", features?.manyWrites],
            ["Counters can be set", features?.setCounter],
            ["Reads without values", features?.metadataReads],
          ] as const
        ).map(([name, has]) => (
          <Fact key={name} name={name}>
            <span class={`state ${has ? "good" : ""}`}>{has ? "yes" : "no"}</span>
          </Fact>
        ))}
      </FactCard>
    </div>
  );
}

function FactCard({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      <dl class="facts">{children}</dl>
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function seconds({ seconds }: { readonly seconds: bigint }): string {
  return duration(Number(seconds) * 1000);
}
