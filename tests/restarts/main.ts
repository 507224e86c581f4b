/**
 * Restarts two servers in turn behind a TCP balancer, under load by every entry of the client and, where there is Python, by
 * grpcio: docs/hostile-input.md.
 *
 *     npm run restarts -- [--rounds N]
 *
 * Exit code: 0 when no call has failed, no write was lost and every server has ended with code 0; 1 when not; 2 for wrong arguments.
 */
import { parseArgs } from "node:util";
import { spawnServer } from "../../server/test/support/spawn-server.js";
import { startTestServer } from "../../server/test/support/test-server.js";
import { renderTable } from "../../tools/markdown.js";
import { startBalancer } from "./balancer.js";
import { entries, startCallers } from "./callers.js";
import { startGrpcioCallers } from "./grpcio-callers.js";

/** How long servers serve undisturbed between two stops, and a stopped one may still get connections, in milliseconds. */
const calmMs = 1000;

const print = (text: string) => process.stdout.write(text);

process.exitCode = await run();

async function run(): Promise<number> {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" } } });
  const rounds = Number(values.rounds);
  if (!(rounds >= 1)) {
    process.stderr.write("--rounds is a number from 1 on\n");
    return 2;
  }
  const table = await startTestServer();
  const { endpoint, region, accessKeyId, secretAccessKey } = table.engine;
  const serve = () =>
    spawnServer(["--endpoint", endpoint, "--region", region, "--table", table.table], {
      DYNAKV_ACCESS_KEY_ID: accessKeyId,
      DYNAKV_SECRET_ACCESS_KEY: secretAccessKey,
    });
  const balancer = await startBalancer();
  const servers = [await serve(), await serve()];
  const balance = () => {
    balancer.targets = servers.map(({ url }) => url);
  };
  balance();
  const callers = Object.entries(entries).map(([name, create]) => ({
    name,
    stop: startCallers(name, create(balancer.url)),
  }));
  const stopGrpcio = await startGrpcioCallers(balancer.url);
  if (stopGrpcio !== undefined) {
    callers.push({ name: "Python's grpcio", stop: stopGrpcio });
  }
  const pause = () => new Promise((resolve) => setTimeout(resolve, calmMs));
  const ends: (number | string)[] = [];
  for (let round = 0; round < rounds; round++) {
    await pause();
    const place = round % servers.length;
    const old = servers[place] as (typeof servers)[number];
    // As in a rollout: the new one serves, and the balancer goes on sending to the old one until it refuses.
    const fresh = await serve();
    balancer.targets = [...servers.map(({ url }) => url), fresh.url];
    old.process.kill("SIGTERM");
    ends.push(await old.exit);
    servers[place] = fresh;
    balance();
  }
  await pause();
  const rows: string[][] = [];
  let isGood = ends.every((end) => end === 0);
  for (const { name, stop } of callers) {
    const { calls, failed, wrong } = await stop();
    isGood &&= failed.length === 0 && wrong.length === 0;
    rows.push([name, String(calls), String(failed.length), String(wrong.length)]);
    print([...new Set([...failed, ...wrong])].map((problem) => `${name}: ${problem}\n`).join(""));
  }
  for (const { process: server, exit } of servers) {
    server.kill("SIGTERM");
    ends.push(await exit);
  }
  balancer.stop();
  await table.stop();
  print(`${rounds} restarts, exit codes: ${[...new Set(ends)].join(", ")}\n\n`);
  print(`${renderTable(["entry", "calls", "failed", "wrong or lost"], rows)}\n`);
  return isGood && ends.every((end) => end === 0) ? 0 : 1;
}
