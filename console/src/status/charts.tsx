import { Chart, type Series } from "./chart.js";
import type { Sample } from "./figures-between.js";
import { useSamples } from "./use-samples.js";

/** What the server is doing, second by second. */
export function Charts() {
  const { samples, latest, why } = useSamples();
  if (why !== undefined) {
    return <p class="hint">{why}</p>;
  }
  if (latest === undefined) {
    return <p class="hint">Reading…</p>;
  }
  return (
    <>
      <div class="charts">
        <Chart title="Calls" unit="a second" series={callSeries(samples)} />
        <Chart
          title="Latency"
          unit="ms"
          series={[
            { name: "p50", colour: 1, values: samples.map(({ p50 }) => p50) },
            { name: "p99", colour: 3, values: samples.map(({ p99 }) => p99) },
          ]}
        />
        <Chart
          title="Capacity used"
          unit="units a second"
          series={[
            { name: "read", colour: 1, values: samples.map(({ readUnits }) => readUnits) },
            { name: "write", colour: 2, values: samples.map(({ writeUnits }) => writeUnits) },
          ]}
        />
        <Chart
          title="Trouble"
          unit="a second"
          series={[
            { name: "failed", colour: 4, values: samples.map(({ failures }) => failures) },
            { name: "throttled", colour: 3, values: samples.map(({ throttles }) => throttles) },
            { name: "shed", colour: 5, values: samples.map(({ shed }) => shed) },
          ]}
        />
      </div>
      <p class="quiet">
        {latest.inFlight} in flight, {latest.waiting} waiting, {latest.connections} connections. These are the figures
        of the process that answers this page, what the console itself asks for included; DynamoDB does not tell the
        units of requests that it refuses.
      </p>
    </>
  );
}

const mostSeries = 4;

/** The methods that are called most, and the others as one. */
function callSeries(samples: readonly Sample[]): Series[] {
  const totals = new Map<string, number>();
  for (const { calls } of samples) {
    for (const [method, rate] of Object.entries(calls)) {
      totals.set(method, (totals.get(method) ?? 0) + rate);
    }
  }
  const methods = [...totals].sort(([, a], [, b]) => b - a).map(([method]) => method);
  const named = methods.slice(0, mostSeries);
  const series = named.map((name, index) => ({
    name,
    colour: index + 1,
    values: samples.map(({ calls }) => calls[name] ?? 0),
  }));
  const others = methods.slice(mostSeries);
  if (others.length > 0) {
    const values = samples.map(({ calls }) => others.reduce((sum, method) => sum + (calls[method] ?? 0), 0));
    series.push({ name: "others", colour: mostSeries + 1, values });
  }
  return series.length > 0 ? series : [{ name: "all", colour: 1, values: samples.map(() => 0) }];
}
