// The result of a Celery task, awaited from TypeScript.
import { createClient } from "@dynakv/client";
import { createCelery, isFailure, isSuccess, taskKey } from "@dynakv/client/celery";

const client = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });
const celery = createCelery(client);

// Stands for the worker, which stores this when the task fails.
const stored = {
  status: "FAILURE",
  result: { exc_type: "ValueError", exc_message: ["too small"], exc_module: "builtins" },
  traceback: "Traceback (most recent call last): ...",
  children: [],
  date_done: "2026-11-23T08:00:00",
};
setTimeout(() => client.set(taskKey("5d1e"), new TextEncoder().encode(JSON.stringify(stored))), 20);

// Polls, in pauses of up to 50 ms that double up to 2 s.
const task = await celery.waitForTask("5d1e", { timeoutMs: 10_000 });
if (isSuccess(task)) {
  console.log("done", task.result);
} else if (isFailure(task)) {
  console.log(task.error.type, ...task.error.message); // prints ValueError too small
}
client.close();
