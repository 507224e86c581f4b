// Jobs that run once: of all workers that see a job one takes it. A worker that dies with a job has taken it all the same.
import { createClient, DynakvError, json } from "@dynakv/client";

const client = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });
interface Job {
  readonly mailTo: string;
}
const jobs = client.keyspace("job:", json<Job>());

/** Runs what jobs there are. `onDoubt` is told of those that were removed, if they were, without anybody being given them. */
async function work(run: (job: Job) => unknown, onDoubt: (id: string) => void): Promise<void> {
  for await (const { key } of jobs.scanKeys({ consistency: "strong" })) {
    try {
      const job = await jobs.take(key);
      if (job !== undefined) {
        await run(job.value);
      }
    } catch (error) {
      if (!(error instanceof DynakvError) || error.outcome !== "UNKNOWN") {
        throw error;
      }
      onDoubt(key);
    }
  }
}

await jobs.mset(["ada", "bob", "eve"].map((mailTo) => ({ key: `mail-${mailTo}`, value: { mailTo } })));
const mailed: string[] = [];
const workers = Array.from({ length: 4 }, () => work(({ mailTo }) => mailed.push(mailTo), console.error));
await Promise.all(workers);
console.log(mailed.sort()); // prints [ 'ada', 'bob', 'eve' ]
client.close();
