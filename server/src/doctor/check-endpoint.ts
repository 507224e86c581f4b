import type { Network } from "../store/dynamodb/network.js";
import type { SigningTarget } from "../store/dynamodb/request-source.js";
import { findSigningTarget } from "../store/dynamodb/signing-target.js";
import { createSigner } from "../store/dynamodb/sigv4.js";
import type { Check, Patient } from "./check.js";
import { type Finding, failure, ok, skipped, warning } from "./finding.js";
import { nameOfError, type PostAnswer, post } from "./post.js";

const contentType = "application/x-amz-json-1.0";
/** Expiry is judged by this clock, to the second. */
const warnSkewMs = 5000;
/** DynamoDB refuses signatures that are off by more than five minutes. */
const failSkewMs = 4 * 60_000;

/** Checks whether DynamoDB is where it is looked for, and what time it has there: by one request, which it answers even if it refuses it. */
export const checkEndpoint: Check = async ({ connection, settings, signal, clock, known }) => {
  if (known.unusable !== undefined) {
    return [skipped("endpoint", known.unusable)];
  }
  const { client } = connection;
  let target: SigningTarget;
  try {
    target = await findSigningTarget(client);
  } catch (error) {
    known.unusable = "the AWS settings lead to no endpoint";
    return [
      failure(
        "endpoint",
        `the AWS settings lead to none: ${(error as Error).message}`,
        "check the AWS_ variables and the AWS files",
      ),
    ];
  }
  const { origin, host, path, region, service } = target;
  const found = describeNetwork(connection.network, new URL(origin));
  known.region = region;
  known.hostname = new URL(origin).hostname;
  const request = { host, path, target: "DynamoDB_20120810.ListTables", contentType, body: Buffer.from("{}") };
  const headers = createSigner({ region, service })(request, await client.config.credentials(), clock());
  const sentAt = clock();
  let answer: PostAnswer;
  try {
    answer = await post(new URL(path, origin), { network: connection.network, headers, body: request.body }, signal);
  } catch (error) {
    signal.throwIfAborted();
    known.unusable = "the endpoint does not answer";
    return [
      ...found,
      failure("endpoint", `${origin} does not answer (${nameOfError(error)})`, adviceOnReach(settings.endpoint)),
    ];
  }
  if (!isDynamoDb(answer)) {
    known.unusable = "the endpoint is not DynamoDB";
    return [
      ...found,
      failure(
        "endpoint",
        `${origin} answers with HTTP status ${answer.status}, and not as DynamoDB does`,
        settings.endpoint === undefined
          ? "an intermediary answers instead of AWS: look for a proxy"
          : "set endpoint to that of a DynamoDB-compatible engine, or leave it out for AWS",
      ),
    ];
  }
  const clockNow = (sentAt + clock()) / 2;
  const told = checkClock(answer.headers.date, clockNow);
  known.isClockOff = told.level === "failure";
  return [...found, ok("endpoint", `${origin} answers`), told];
};

/** The proxy and the authorities that the environment or the AWS files name. Who has none of his own need not read of it. */
function describeNetwork({ proxies, authorities }: Network, { protocol, hostname, port }: URL): Finding[] {
  const proxy = proxies.find(hostname, Number(port || 443));
  const findings: Finding[] = [];
  if (proxies.source !== undefined) {
    // Without the password that its URL may hold.
    const used = `${proxy?.origin}, as ${proxies.source} says`;
    const unused = protocol === "https:" ? "NO_PROXY exempts the endpoint" : "the endpoint is without TLS";
    const isUsed = proxy !== undefined && protocol === "https:";
    findings.push(ok("proxy", isUsed ? used : `none, though ${proxies.source} names one: ${unused}`));
  }
  if (authorities.source !== undefined) {
    findings.push(ok("authorities", `those of ${authorities.source}, and not Node's own`));
  }
  return findings;
}

function checkClock(date: string | undefined, nowMs: number): Finding {
  // The header has whole seconds, rounded down.
  const skewMs = nowMs - (Date.parse(date ?? "") + 500);
  if (Number.isNaN(skewMs)) {
    return warning("clock", "the endpoint does not tell the time", "compare this machine's clock by other means");
  }
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const off = `${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} the endpoint's`;
  const advice = "keep this machine's clock right by NTP (chrony, systemd-timesyncd)";
  if (Math.abs(skewMs) > failSkewMs) {
    return failure(
      "clock",
      `it is ${off}: DynamoDB refuses such signatures, and entries expire at the wrong time`,
      advice,
    );
  }
  if (Math.abs(skewMs) > warnSkewMs) {
    return warning("clock", `it is ${off}: entries expire at the wrong time`, advice);
  }
  return ok("clock", `within ${Math.max(1, seconds)} s of the endpoint's`);
}

function isDynamoDb({ status, headers, body }: PostAnswer): boolean {
  if (status >= 500) {
    // It may be one that is failing: the rights tell.
    return /json/.test(headers["content-type"] ?? "");
  }
  if (status === 200 && !/^application\/x-amz-json-1\.0\s*(;|$)/i.test(headers["content-type"] ?? "")) {
    return false;
  }
  try {
    const answer = JSON.parse(body) as { __type?: unknown; TableNames?: unknown };
    return typeof answer.__type === "string" || Array.isArray(answer.TableNames);
  } catch {
    return false;
  }
}

function adviceOnReach(endpoint: string | undefined): string {
  return endpoint === undefined
    ? "check the region's name, DNS, and the way out of this network (NAT, or a VPC endpoint for DynamoDB)"
    : "check endpoint, and that the engine runs there";
}

const probes = 10;
const slowMs = 50;

/** Measures DynamoDB's latency. */
export const checkLatency: Check = async ({ connection, layout, signal, known }: Patient) => {
  if (known.unusable !== undefined || known.table === undefined) {
    return [];
  }
  const input = { TableName: layout.names.table, Key: layout.key("dynakv:probe") };
  const times: number[] = [];
  try {
    // The first makes the connection.
    await connection.dynamodb.getItem(input, signal);
    for (let sent = 0; sent < probes; sent++) {
      const startedAt = performance.now();
      await connection.dynamodb.getItem(input, signal);
      times.push(performance.now() - startedAt);
    }
  } catch {
    signal.throwIfAborted();
    // The missing right is reported by its own check.
    return [];
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(probes / 2)] ?? 0;
  const detail = `${median.toFixed(1)} ms for a GetItem (median of ${probes}, slowest ${times.at(-1)?.toFixed(1)} ms)`;
  return median > slowMs
    ? [warning("latency", detail, "run dynakv in the region of its table")]
    : [ok("latency", detail)];
};
