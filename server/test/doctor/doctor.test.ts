import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { leastPolicy } from "../../src/doctor/rights.js";
import { completeSettings } from "../../src/settings/complete-settings.js";
import { denied, prepareDoctor } from "../support/doctor-grounds.js";
import { spawnCli, spawnServer } from "../support/spawn-server.js";
import { suite } from "../support/suite.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("doctor");
const grounds = prepareDoctor(test);
const { spoil } = grounds;
const secret = "planted-secret-of-an-access-key";

test("docs/aws.md has the policy that the doctor prints", () => {
  const { settings } = completeSettings({ region: "eu-central-1", table: "my-table" });
  const address = { region: "eu-central-1", account: "123456789012", table: "my-table", exists: true };
  const policy = JSON.stringify(leastPolicy(settings, address), null, 2);
  assert.ok(readFileSync("docs/aws.md", "utf8").includes(policy), policy);
});

test("the command tells it to people and to programs, and its exit code says whether all is well", async () => {
  const at = [
    ...["--listen", "127.0.0.1:0", "--endpoint", grounds.engine.endpoint, "--region", grounds.engine.region],
    ...["--access-key-id", grounds.engine.accessKeyId],
  ];
  const environment = { DYNAKV_SECRET_ACCESS_KEY: grounds.engine.secretAccessKey, DYNAKV_SESSION_TOKEN: secret };
  const run = (args: readonly string[]) => spawnCli(["doctor", ...at, ...args], environment);
  const runs = [
    run(["--table", grounds.table]),
    run(["--table", "missing", "--no-create-table", "--json"]),
    run(["--tabel", "x"]),
  ];
  const codes = await Promise.all(runs.map(({ exit }) => exit));
  const [well, ill, wrong] = runs as [(typeof runs)[0], (typeof runs)[0], (typeof runs)[0]];
  assert.equal(codes, [0, 1, 2]);
  assert.match(well.stdout(), /^ok {7}table +'.*' is ACTIVE, with some \d+ items$/m);
  assert.match(well.stdout(), /"dynamodb:GetItem"/);
  const { findings, policy } = JSON.parse(ill.stdout());
  assert.ok(findings.some(({ level, subject }: Record<string, string>) => level === "failure" && subject === "table"));
  assert.ok(policy.Statement[0].Action.includes("dynamodb:UpdateItem"));
  assert.match(wrong.stderr(), "unknown flag --tabel; did you mean --table?");
  for (const { stdout, stderr } of runs) {
    assert.not.match(stdout() + stderr(), secret);
    assert.not.match(stdout(), "planted-");
  }
});

test("the flag for programs is written as other flags are, and a slip of it is told", async () => {
  const run = (...args: string[]) => spawnCli(["doctor", "--data", "memory", "--listen", "127.0.0.1:0", ...args]);
  const slips: readonly (readonly [string, string])[] = [
    ["--jso", "unknown flag --jso; did you mean --json?"],
    ["--json=yes", "--json: is written as --json, --json=true or --json=false"],
    ["--nonsense", "unknown flag --nonsense\n"],
  ];
  const [json, text, ...wrong] = [run("--json=true"), run("--json=false"), ...slips.map(([flag]) => run(flag))];
  assert.is(await json?.exit, 0);
  assert.ok(Array.isArray(JSON.parse(json?.stdout() ?? "").findings));
  assert.is(await text?.exit, 0);
  assert.match(text?.stdout() ?? "", /^ok +backend /m);
  for (const [index, [, message]] of slips.entries()) {
    assert.is(await wrong[index]?.exit, 2);
    assert.match(wrong[index]?.stderr() ?? "", message);
  }
});

test("a server tells at its start what it lacks, and serves all the same", async () => {
  spoil({ DeleteItem: denied("AccessDeniedException") });
  const environment = {
    DYNAKV_ACCESS_KEY_ID: grounds.engine.accessKeyId,
    DYNAKV_SECRET_ACCESS_KEY: grounds.engine.secretAccessKey,
  };
  const at = ["--endpoint", grounds.proxy.endpoint, "--region", grounds.engine.region, "--table", grounds.table];
  const server = await spawnServer(at, environment);
  await waitUntil("it is logged", () => server.stderr().includes("denied"));
  const lines = server.stderr().trim().split("\n");
  const findings = lines.map((line) => JSON.parse(line)).filter(({ subject }) => subject !== undefined);
  assert.equal(
    findings.map(({ level, subject, msg }) => [level, subject, msg]),
    [[50, "right dynamodb:DeleteItem", "denied: without it, Delete fails"]],
  );
  server.process.kill("SIGTERM");
  assert.is(await server.exit, 0);
});

test.run();
