import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import type { DynakvClient } from "../../client/src/index.js";
import { type FaultProxy, startFaultProxy } from "../../server/src/faults/index.js";
import { patientDeadlines } from "../../server/test/support/hold-request.js";
import { createRandom } from "../../server/test/support/random.js";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { readPage } from "./pages.js";

const test = suite("examples under load, with answers of DynamoDB lost");
let server: TestServer;
let proxy: FaultProxy;
let folder: string;
let nowMs = Date.now();

test.before(async () => {
  server = await startTestServer();
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { url } = await server.replica({ endpoint: proxy.endpoint, clock: () => nowMs, ...patientDeadlines });
  process.env.DYNAKV_ADDRESS = url;
  folder = await mkdtemp(join(tmpdir(), "dynakv-examples-"));
});

test.before.each(() => proxy.reset());

test.after(async () => {
  delete process.env.DYNAKV_ADDRESS;
  await rm(folder, { recursive: true });
  await proxy.stop();
  await server.stop();
});

/** Runs an example, which then keeps its client, and returns its functions. */
async function open<T>(name: string, functions: string): Promise<T & { readonly client: DynakvClient }> {
  const code = readPage(`examples/${name}.ts`);
  const file = join(folder, `${name}.mts`);
  const quiet = code.replaceAll("console.log(", "void (");
  await writeFile(file, quiet.replace(/^client\.close\(\);$/m, `export { client, ${functions} };`));
  return import(pathToFileURL(file).href);
}

/** From now on every fifth answer to a write is lost, whether it was carried out or not. */
function loseAnswers(seed: number): void {
  const random = createRandom(seed, "answers");
  proxy.decide = ({ operation }) =>
    /^(Put|Update|Delete)Item$/.test(operation) && random.chance(0.2) ? "lose-answer" : "forward";
}

const numbers = (length: number) => Array.from({ length }, (_, n) => n);

test("sessions slide as long as they are used, lose no visit that was acknowledged, and are seldom written", async () => {
  interface Session {
    readonly user: string;
    readonly visits: number;
  }
  const { client, logIn, findSession, countVisit } = await open<{
    logIn(user: string): Promise<string>;
    findSession(id: string): Promise<Session | undefined>;
    countVisit(id: string): Promise<void>;
  }>("session", "logIn, findSession, countVisit");
  try {
    loseAnswers(1);
    const ids = await Promise.all(numbers(10).map((n) => logIn(`user ${n}`)));
    for (let round = 0; round < 3; round++) {
      nowMs += 1_000_000;
      const found = await Promise.all(numbers(100).map((n) => findSession(ids[n % 10] as string)));
      assert.ok(found.every((session, n) => session?.user === `user ${n % 10}`));
      const before = proxy.requests.get("UpdateItem");
      await Promise.all(ids.map(findSession));
      assert.is(proxy.requests.get("UpdateItem"), before);
    }
    const [visited = ""] = ids;
    const counted = await Promise.allSettled(numbers(8).map(() => countVisit(visited)));
    const certain = counted.filter(({ status }) => status === "fulfilled").length;
    proxy.reset();
    const visits = (await findSession(visited))?.visits ?? 0;
    assert.ok(visits >= certain && visits <= 8, `${visits} visits, ${certain} acknowledged`);
    nowMs += 1_800_000;
    assert.equal(
      await Promise.all(ids.map(findSession)),
      numbers(10).map(() => undefined),
    );
  } finally {
    client.close();
  }
});

test("a rate limit allows as many requests as it says", async () => {
  const { client, isAllowed } = await open<{ isAllowed(caller: string, limit: number): Promise<boolean> }>(
    "rate-limit",
    "isAllowed",
  );
  try {
    loseAnswers(2);
    for (const caller of ["one", "two"]) {
      const allowed = await Promise.all(numbers(200).map(() => isAllowed(caller, 50)));
      assert.is(allowed.filter(Boolean).length, 50);
    }
    nowMs += 60_000;
    assert.is(await isAllowed("one", 50), true);
  } finally {
    client.close();
  }
});

test("a job runs once, whatever is lost", async () => {
  interface Job {
    readonly mailTo: string;
  }
  const { client, jobs, work } = await open<{
    jobs: { mset(entries: readonly { key: string; value: Job }[]): PromiseLike<unknown> };
    work(run: (job: Job) => unknown, onDoubt: (id: string) => void): Promise<void>;
  }>("job-queue", "jobs, work");
  try {
    const ids = numbers(60).map((n) => `job ${n}`);
    await jobs.mset(ids.map((id) => ({ key: id, value: { mailTo: id } })));
    loseAnswers(3);
    const ran: string[] = [];
    const doubtful = new Set<string>();
    await Promise.all(
      numbers(4).map(() =>
        work(
          ({ mailTo }) => ran.push(mailTo),
          (id) => doubtful.add(id),
        ),
      ),
    );
    assert.is(new Set(ran).size, ran.length);
    assert.equal(
      ids.filter((id) => !ran.includes(id) && !doubtful.has(id)),
      [],
    );
    // Only a deadline that passes leaves a doubt.
    assert.ok(ran.length > 55, `${ran.length}`);
  } finally {
    client.close();
  }
});

test.run();
