/** Calls a server in every way that differs between platforms. Returns which client it was; throws when an answer is not as it should be. */
export async function calls(dynakv, address) {
  const { createClient, DynakvError, utf8 } = dynakv;
  const prefix = `${Math.random()}:`;
  // On a machine that is busy with others as well.
  const client = createClient({ address, defaultTimeoutMs: 120_000 });
  const names = client.keyspace(prefix, utf8);

  equal(await names.get("ada"), undefined);
  const { etag } = await names.set("ada", "Ada");
  equal((await names.get("ada"))?.value, "Ada");
  const together = await Promise.all(["ada", "grace", "ada"].map((name) => names.get(name)));
  equal(together.map((entry) => entry?.value).join(), "Ada,,Ada");

  await client.incr(`${prefix}visits`, { delta: 9_007_199_254_740_992n });
  equal(await client.incr(`${prefix}visits`), 9_007_199_254_740_993n);

  const taken = await failureOf(names.set("ada", "Grace", { ifAbsent: true }));
  equal(taken instanceof DynakvError, true);
  equal(`${taken.reason} ${taken.outcome} ${taken.currentEtag === etag}`, "ALREADY_EXISTS NOT_APPLIED true");

  const keys = Array.from({ length: 10_000 }, (_, index) => `key-${index}`);
  const seen = new Set();
  for await (const { key } of names.mget(keys)) {
    seen.add(key);
  }
  equal(seen.size, keys.length);
  for await (const _ of names.mget(keys)) {
    // The rest is cancelled.
    break;
  }

  const left = new AbortController();
  const leaving = failureOf(names.get("ada", { signal: left.signal }));
  left.abort();
  equal((await leaving).reason, "CANCELED");
  client.close();

  const nobody = createClient({ address: "http://127.0.0.1:1024", retries: false });
  equal((await failureOf(nobody.get("a"))).reason, "UNREACHABLE");
  nobody.close();
  return isOverFetch(createClient) ? "over fetch" : "gRPC";
}

/** The client over fetch refuses gRPC. */
function isOverFetch(createClient) {
  try {
    createClient({ address: "http://127.0.0.1:1024", protocol: "grpc" }).close();
    return false;
  } catch {
    return true;
  }
}

async function failureOf(call) {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("the call should have failed");
}

function equal(actual, expected) {
  if (actual !== expected) {
    throw new Error(`${String(actual)} instead of ${String(expected)}`);
  }
}
