import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import * as assert from "uvu/assert";
import { SetRequestSchema } from "../../gen/dynakv/v1/key_value_service_pb.js";
import { type FaultProxy, startFaultProxy } from "../src/faults/index.js";
import { loadSettings } from "../src/settings/load-settings.js";
import { flagName } from "../src/settings/setting-names.js";
import { startTestEngine, type TestEngine } from "./support/engine.js";
import { exchange } from "./support/grpc-exchange.js";
import { type OtlpCollector, startOtlpCollector } from "./support/otlp-collector.js";
import { createPlantedSecrets, type PlantedSecrets } from "./support/planted-secrets.js";
import { spawnServer } from "./support/spawn-server.js";
import { suite } from "./support/suite.js";
import { waitUntil } from "./support/wait-until.js";

const test = suite("secrets");
let engine: TestEngine;
let proxy: FaultProxy;
let collector: OtlpCollector;

test.before(async () => {
  engine = await startTestEngine();
  proxy = await startFaultProxy({ target: engine.endpoint });
  collector = await startOtlpCollector();
});

test.before.each(() => {
  proxy.reset();
  collector.requests.length = 0;
});

test.after(async () => {
  await collector.stop();
  await proxy.stop();
  await engine.stop();
});

test("no mistake in settings shows what was given for a secret", () => {
  const secrets = createPlantedSecrets();
  const plant = () => secrets.plant("a setting");
  const file = (content: string) => ({ argv: ["--config", "dynakv.json"], env: {}, readFile: () => content });
  const flags = (...argv: string[]) => ({ argv, env: {} });
  const mistakes = [
    flags("--backend", `dynamodb://key:${plant()}@us-east-1:port/table`),
    flags("--backend", `dynamodb://key:${plant()}@us-east-1/table?read=many`),
    flags("--backend", `dynamodb://key:un?escaped${plant()}@us-east-1/table`),
    flags("--backend", `dynamodb://key:un#escaped/${plant()}@us-east-1/table`),
    flags("--backend", `dynamodb://key:${plant()}`),
    flags("--backend", `redis://key:${plant()}@localhost/0`),
    flags("--backend", `dynamodb://${plant()}:@us-east-1`),
    flags("--backend", `dynamodb://key:${plant()}%zz@us-east-1`),
    flags(`dynamodb://key:${plant()}@us-east-1`),
    flags("--secret-access-key", plant()),
    flags("--session-token", plant()),
    flags("--secret-access-key", plant(), plant()),
    flags("--secret-access-key", "", plant()),
    flags(`--endpoint=http://user:${plant()}@localhost:8000`),
    { argv: [], env: { DYNAKV_SECRET_ACCESS_KEY: plant() } },
    { argv: [], env: { DYNAKV_SESSION_TOKEN: plant(), DYNAKV_ACCESS_KEY_ID: "key" } },
    { argv: [], env: { DYNAKV_BACKEND: `dynamodb://key:${plant()}@us-east-1/t` } },
    { argv: [], env: { DYNAKV_SECRET_ACCES_KEY: plant() } },
    file(`{"secretAccessKey": ${plant()}}`),
    file(`{"secretAccessKey": "${plant()}"`),
    file(`{"secretAccessKey": {"value": "${plant()}"}}`),
    file(`{"secretAccessKey": ["${plant()}"]}`),
    file(`{"secretAccessKy": "${plant()}"}`),
    file(`{"backend": "dynamodb://key:${plant()}@us-east-1/a b"}`),
    file(`"${plant()}"`),
    ...["listen", "admin-listen", "endpoint", "cors-origins"].map((name) => flags(`--${name}`, `dynakv_${plant()}`)),
    ...["tls-cert", "tls-key", "tls-client-ca", "tokens-file", "policy-file", "jwks", "data"].flatMap((name) =>
      [
        `-----BEGIN PRIVATE KEY-----\n${plant()}\n`,
        `dynakv_${plant()}`,
        `eyJhbGciOi.${plant()}.x`,
        `{"a":"${plant()}"}`,
      ].map((value) => flags(`--${name}`, value)),
    ),
  ];
  const shown = mistakes.map((options) => {
    try {
      const loaded = loadSettings(options);
      return loaded.kind === "settings" ? loaded.warnings.join("\n") : "";
    } catch (error) {
      return `${(error as Error).message}\n${(error as Error).stack}`;
    }
  });
  // Each says something but for what is right on its own.
  assert.ok(shown.filter((text) => text !== "").length >= mistakes.length - 2);
  assert.equal(secrets.findIn("messages", shown.join("\n")), []);
});

/** What is planted where, and how the server is started with it. */
interface Start {
  readonly args: readonly string[];
  readonly environment: Record<string, string>;
  /** The whole of the config file. */
  readonly config?: object;
  /** What is written beside it, by the setting that names it. */
  readonly files?: Readonly<Record<string, object>>;
  /** The bearer token of the calls; without it each has another, for nobody to ask for. */
  readonly token?: string;
}

const starts: Record<string, (secrets: PlantedSecrets) => Start> = {
  "secrets in the config file and in the environment": (secrets) => ({
    args: [],
    config: {
      endpoint: proxy.endpoint,
      region: engine.region,
      accessKeyId: engine.accessKeyId,
      secretAccessKey: secrets.plant("secretAccessKey in the config file"),
    },
    environment: { DYNAKV_SESSION_TOKEN: secrets.plant("sessionToken in the environment") },
  }),
  "secrets in the URL, with workers": (secrets) => {
    const { host } = new URL(proxy.endpoint);
    const secret = secrets.plant("the URL in the environment");
    return {
      args: ["--workers", "2"],
      environment: { DYNAKV_BACKEND: `dynamodb://${engine.accessKeyId}:${secret}@${host}/dynakv-secrets` },
    };
  },
  "secrets in the variables of AWS": (secrets) => ({
    args: ["--endpoint", proxy.endpoint],
    environment: {
      AWS_REGION: engine.region,
      AWS_ACCESS_KEY_ID: engine.accessKeyId,
      AWS_SECRET_ACCESS_KEY: secrets.plant("AWS_SECRET_ACCESS_KEY"),
      AWS_SESSION_TOKEN: secrets.plant("AWS_SESSION_TOKEN"),
    },
  }),
  "tokens that the server asks for": (secrets) => {
    const token = secrets.plant("the caller's token");
    const rule = { identities: ["token:tester"], rights: ["read", "write", "delete"], prefixes: [""] };
    return {
      args: ["--endpoint", proxy.endpoint, "--region", engine.region],
      environment: {
        DYNAKV_ACCESS_KEY_ID: engine.accessKeyId,
        DYNAKV_SECRET_ACCESS_KEY: secrets.plant("the secret key of a server that asks for tokens"),
      },
      files: {
        tokensFile: { tokens: [{ name: "tester", sha256: createHash("sha256").update(token).digest("hex") }] },
        policyFile: { rules: [rule, { ...rule, identities: ["token:other"], prefixes: [secrets.plant("a prefix")] }] },
      },
      token,
    };
  },
};

/** A defect, on demand. */
const throwOnHangUp = `
  import { readFileSync } from "node:fs";
  process.on("SIGHUP", () => {
    throw new TypeError(readFileSync(process.env.CRASH_FILE, "utf8"));
  });
`;

for (const [name, start] of Object.entries(starts)) {
  test(`${name} come out nowhere, nor do those in calls`, async () => {
    const secrets = createPlantedSecrets();
    const folder = mkdtempSync(join(tmpdir(), "dynakv-secrets-"));
    const { args, environment, config, files = {}, token } = start(secrets);
    const crash = secrets.plant("what a defect throws");
    const options = [
      "--report-on-signal",
      "--report-signal=SIGUSR2",
      "--report-uncaught-exception",
      `--report-directory=${folder}`,
      `--import data:text/javascript,${encodeURIComponent(throwOnHangUp)}`,
    ];
    writeFileSync(join(folder, "crash.txt"), crash);
    if (config !== undefined) {
      writeFileSync(join(folder, "dynakv.json"), JSON.stringify(config));
    }
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, `${name}.json`), JSON.stringify(content));
    }
    const spawned = await spawnServer(
      [
        ...["--log-level", "trace", "--access-log", "all", "--log-keys", "hashed", "--admin-listen", "127.0.0.1:0"],
        ...(config === undefined ? [] : ["--config", join(folder, "dynakv.json")]),
        ...Object.keys(files).flatMap((name) => [flagName(name), join(folder, `${name}.json`)]),
        ...args,
      ],
      {
        ...environment,
        NODE_OPTIONS: options.join(" "),
        CRASH_FILE: join(folder, "crash.txt"),
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=${secrets.plant("OTEL_EXPORTER_OTLP_HEADERS")}`,
        OTEL_BSP_SCHEDULE_DELAY: "50",
      },
    );
    try {
      const shown: [string, string | Buffer][] = [["error answers", await makeCalls(spawned.url, secrets, token)]];
      await waitUntil("the calls are logged", () => /"adminUrl":"([^"]+)"/.test(spawned.stderr()));
      const adminUrl = /"adminUrl":"([^"]+)"/.exec(spawned.stderr())?.[1] ?? "";
      for (const path of ["/metrics", "/readyz", `/${secrets.plant("a path of the admin port")}`]) {
        shown.push([path.slice(0, 8), await (await fetch(adminUrl + path)).text()]);
      }
      await waitUntil("traces are exported", () => collector.requests.length > 0);

      const reports = () => readdirSync(folder).filter((file) => file.startsWith("report."));
      const workers = [...spawned.stderr().matchAll(/"pid":(\d+),"msg":"worker ready"/g)].map(([, pid]) => Number(pid));
      const pids = [spawned.process.pid as number, ...workers];
      for (const pid of pids) {
        process.kill(pid, "SIGUSR2");
      }
      await waitUntil("there are reports", () => reports().length === pids.length);
      process.kill(pids.at(-1) as number, "SIGHUP");
      await waitUntil("there is a report of the crash", () => reports().length === pids.length + 1);
      await waitUntil("the crash is logged", () => spawned.stderr().includes("fatal: uncaught error"));
      spawned.process.kill("SIGTERM");
      const exit = await spawned.exit;
      assert.is(exit, workers.length > 0 ? 0 : 1);

      // They are written in pieces, and whole only when their process has ended.
      for (const file of reports()) {
        const report = readFileSync(join(folder, file));
        assert.ok(JSON.parse(report.toString()).environmentVariables !== null);
        shown.push(["a report", report]);
      }
      shown.push(["stdout", spawned.stdout()], ["stderr", spawned.stderr()]);
      for (const { body } of collector.requests) {
        shown.push(["traces", body]);
      }
      assert.match(spawned.stderr(), '"msg":"call"');
      assert.match(spawned.stderr(), '"msg":"call failed"');
      assert.match(spawned.stderr(), '"defect":{"name":"TypeError"');
      assert.equal(
        shown.flatMap(([where, text]) => secrets.findIn(where, text)),
        [],
      );
    } finally {
      spawned.process.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** Calls of all kinds with something planted in each of their parts. Returns all that was answered to those that failed. */
async function makeCalls(url: string, secrets: PlantedSecrets, token?: string): Promise<string> {
  const answers: string[] = [];
  const headers = () => ({
    authorization: `Bearer ${token ?? secrets.plant("a token")}`,
    cookie: `session=${secrets.plant("a cookie")}`,
    "x-custom": secrets.plant("metadata"),
    "x-custom-bin": Buffer.from(secrets.plant("binary metadata")).toString("base64"),
    "x-request-id": `(${secrets.plant("a request id that is none")})`,
    traceparent: secrets.plant("a traceparent that is none"),
  });
  const post = async (path: string, body: string, more: Record<string, string> = {}) => {
    const answer = await fetch(`${url}/${path}`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", ...headers(), ...more },
    });
    // What went well holds what was asked for.
    const told = `${JSON.stringify([...answer.headers])}${await answer.text()}`;
    answers.push(answer.ok ? JSON.stringify([...answer.headers]) : told);
  };
  const service = "dynakv.v1.KeyValueService";
  const key = secrets.plant("a key");
  const value = Buffer.from(secrets.plant("a value")).toString("base64");
  const json = (more: object = {}) => JSON.stringify({ key, ...more });

  await post(`${service}/Set`, json({ value }));
  await post(`${service}/Get`, json());
  await post(`${service}/Get?token=${secrets.plant("a query")}`, json());
  await post(`${service}/MGet`, JSON.stringify({ keys: [key, secrets.plant("a key that is missing")] }));
  await post(`${service}/Get`, json(), { authorization: `Bearer ${secrets.plant("a wrong token")}` });
  await post(`${service}/Get`, json(), { authorization: secrets.plant("no token") });
  // Refused by the service.
  await post(`${service}/Get`, JSON.stringify({ key: key + "x".repeat(2048) }));
  await post(`${service}/Set`, json({ value, condition: { ifEtag: secrets.plant("an etag") } }));
  await post(`${service}/Set`, json({ value, condition: { ifAbsent: {} } }));
  await post(`${service}/Incr`, json());
  await post(`${service}/Incr`, json({ requestId: secrets.plant("a request_id") }));
  // Refused by the protocol.
  await post(`${service}/Set`, `{"key":"${secrets.plant("JSON cut short")}`);
  await post(`${service}/Set`, json({ value: `!${secrets.plant("a value that is no base64")}` }));
  await post(`${service}/${secrets.plant("a method")}`, "{}");
  await post(secrets.plant("a path"), "{}");
  await post(`${service}/Get`, json(), { "content-type": `application/${secrets.plant("a content-type")}` });
  await post(`${service}/Get`, json(), { "content-encoding": secrets.plant("an encoding") });
  await post(`${service}/Get`, json(), { "connect-timeout-ms": secrets.plant("a timeout") });
  // The name of a page that may not call is no secret, and the log tells it; what else a header holds is.
  await post(`${service}/Get`, json(), {
    origin: "http://page.example",
    cookie: `session=${secrets.plant("a cookie")}`,
  });
  const query = encodeURIComponent(JSON.stringify({ key: "", x: secrets.plant("a message in a URL") }));
  answers.push(await (await fetch(`${url}/${service}/Get?connect=v1&encoding=json&message=${query}`)).text());

  // Refused or spoiled by DynamoDB, which echoes what it was sent.
  const echo = secrets.plant("an echo of DynamoDB's");
  const echoes = [
    { __type: "com.amazon.coral.service#InvalidSignatureException", message: `The Canonical String: ${echo} ${key}` },
    { __type: "com.amazonaws.dynamodb.v20120810#ValidationException", message: `Value: ${echo}` },
    {
      __type: "com.amazonaws.dynamodb.v20120810#ThrottlingException",
      message: echo,
      ThrottlingReasons: [{ reason: echo }],
    },
    { __type: "com.amazonaws.dynamodb.v20120810#InternalServerError", message: echo, Item: { id: { S: echo } } },
    { __type: "com.amazonaws.dynamodb.v20120810#AccessDeniedException", Message: `User: ${echo}` },
  ];
  for (const body of echoes) {
    proxy.decide = ({ operation }) => (operation === "DeleteItem" ? { kind: "answer", status: 400, body } : "forward");
    await post(`${service}/Delete`, json());
  }
  proxy.reset();

  const session = connect(url);
  try {
    const set = toBinary(SetRequestSchema, create(SetRequestSchema, { key, value: Buffer.from(value) }));
    const bodies = [encodeEnvelope(0, set), encodeEnvelope(1, set), encodeEnvelope(0, set).subarray(0, -2), set];
    for (const contentType of ["application/grpc", "application/grpc-web+proto", "application/connect+proto"]) {
      for (const [index, body] of bodies.entries()) {
        const answer = await exchange(session, {
          path: `/${service}/Set`,
          contentType,
          headers: headers(),
          body: [body],
        });
        answers.push(index === 0 ? "" : JSON.stringify(answer));
      }
    }
  } finally {
    session.close();
  }
  return answers.join("\n");
}

test.run();
