import { once, setMaxListeners } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { KeyValueService } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { createServer } from "../../../src/index.js";
import { classifyError } from "../../../src/store/dynamodb/aws-errors.js";
import type { DataPlane } from "../../../src/store/dynamodb/data-plane.js";
import { createDynamoDBClient } from "../../../src/store/dynamodb/dynamodb-client.js";
import { createLeanDataPlane } from "../../../src/store/dynamodb/lean-data-plane.js";
import { createSdkDataPlane } from "../../../src/store/dynamodb/sdk-data-plane.js";
import { sdkSource } from "../../../src/store/dynamodb/signing-target.js";
import { timeouts } from "../../../src/store/dynamodb/timeouts.js";
import { withoutRetries } from "../../../src/store/dynamodb/without-retries.js";
import { startTestEngine, uniqueTableName } from "../../support/engine.js";
import { withEnvironment } from "../../support/environment.js";
import { failureOf } from "../../support/errors.js";
import { type RawEndpoint, type RawRequest, renderHttp, startRawEndpoint } from "../../support/raw-endpoint.js";
import { suite } from "../../support/suite.js";
import { waitUntil } from "../../support/wait-until.js";

const test = suite("credentials for DynamoDB");
let endpoint: RawEndpoint;
let folder: string;
/** The access key that the endpoint takes. */
let accepted: string;

test.before(async () => {
  endpoint = await startRawEndpoint();
  folder = await mkdtemp(join(tmpdir(), "dynakv-credentials-"));
  endpoint.answer = (request) =>
    keyOf(request) === accepted
      ? renderHttp({})
      : renderHttp({ status: 400, body: '{"__type":"com.amazon.coral.service#UnrecognizedClientException"}' });
});

test.after(async () => {
  await endpoint.stop();
  await rm(folder, { recursive: true });
});

function keyOf({ head }: RawRequest): string {
  return /Credential=([^/]*)\//.exec(head)?.[1] ?? "";
}

const { signal } = new AbortController();
setMaxListeners(0, signal);
const put = (plane: DataPlane) => plane.putItem({ TableName: "t", Item: { id: { S: "k" } } }, signal);

interface Planes {
  readonly lean: DataPlane;
  readonly sdk: DataPlane;
}

/** Both planes of a client without credentials of its own. */
async function withPlanes(use: (plane: DataPlane) => Promise<void>): Promise<void> {
  for (const kind of ["lean", "sdk"] satisfies (keyof Planes)[]) {
    const at = { endpoint: endpoint.endpoint, region: "us-east-1", credentials: undefined };
    const client = createDynamoDBClient(at);
    const lean = createLeanDataPlane(sdkSource(client), timeouts);
    try {
      await use(kind === "lean" ? lean : createSdkDataPlane(client));
    } finally {
      client.destroy();
      await lean.close();
    }
  }
}

const many = Array.from({ length: 40 });

/** Uses a source of credentials that are rotated while it is in use. */
async function expectRotation(rotate: (key: string) => Promise<void>): Promise<void> {
  let rotations = 0;
  await withPlanes(async (plane) => {
    accepted = `AKIA${rotations++}`;
    await rotate(accepted);
    await put(plane);
    accepted = `AKIA${rotations++}`;
    await rotate(accepted);
    await Promise.all(many.map(() => put(plane)));
    accepted = "none";
    const refused = await put(plane).then(
      () => undefined,
      (error) => classifyError(error).kind,
    );
    assert.is(refused, "denied");
  });
}

const fileOf = (key: string) => `[default]\naws_access_key_id = ${key}\naws_secret_access_key = secret-${key}\n`;

test("those in a file are read again when they are refused", async () => {
  const file = join(folder, "rotated");
  const paths = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: join(folder, "none") };
  await withEnvironment(paths, () => expectRotation((key) => writeFile(file, fileOf(key))));
});

test("those of a process are asked for again", async () => {
  const file = join(folder, "of-process");
  const config = join(folder, "config");
  await writeFile(config, `[default]\ncredential_process = cat ${file}\n`);
  const paths = { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: join(folder, "none") };
  await withEnvironment(paths, () =>
    expectRotation((key) =>
      writeFile(file, JSON.stringify({ Version: 1, AccessKeyId: key, SecretAccessKey: "secret" })),
    ),
  );
});

/** An HTTP server that hands credentials out, and counts how often it is asked. */
async function startSource(render: (key: string) => string) {
  let current = "";
  let asked = 0;
  const server = createHttpServer((request, response) => {
    asked++;
    request.resume();
    response.end(render(current));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    rotate: async (key: string) => {
      current = key;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const paths = () => ({ AWS_CONFIG_FILE: join(folder, "none"), AWS_SHARED_CREDENTIALS_FILE: join(folder, "none") });

test("those of a container, which have not expired, are asked for again, once for all who were refused", async () => {
  const source = await startSource((key) =>
    JSON.stringify({ AccessKeyId: key, SecretAccessKey: "secret", Token: "token", Expiration: inAnHour() }),
  );
  await withEnvironment({ ...paths(), AWS_CONTAINER_CREDENTIALS_FULL_URI: `${source.url}/` }, async () => {
    await expectRotation(source.rotate);
    // On each plane at first and when they were rotated; the last refusal may come so late that it asks, too.
    assert.ok(source.asked() >= 4 && source.asked() <= 6, `asked ${source.asked()} times`);
  });
  await source.stop();
});

test("those that stay refused do not have their source asked for each call", async () => {
  const source = await startSource((key) =>
    JSON.stringify({ AccessKeyId: key, SecretAccessKey: "secret", Token: "token", Expiration: inAnHour() }),
  );
  await withEnvironment({ ...paths(), AWS_CONTAINER_CREDENTIALS_FULL_URI: `${source.url}/` }, async () => {
    await withPlanes(async (plane) => {
      accepted = "another";
      await source.rotate("AKIAREFUSED");
      const before = source.asked();
      await Promise.allSettled(many.map(() => put(plane)));
      await Promise.allSettled(many.map(() => put(plane)));
      // At first, and once each five seconds.
      const asked = source.asked() - before;
      assert.ok(asked >= 2 && asked <= many.length / 4, `asked ${asked} times for ${2 * many.length} calls`);
    });
  });
  await source.stop();
});

test("those of a web identity are asked for again", async () => {
  const token = join(folder, "token");
  await writeFile(token, "a.b.c");
  const sts = await startSource(
    (key) =>
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${inAnHour()}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
  );
  const role = "arn:aws:iam::123456789012:role/dynakv";
  const variables = { AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: role, AWS_ENDPOINT_URL_STS: sts.url };
  await withEnvironment({ ...paths(), ...variables, AWS_REGION: "us-east-1" }, () => expectRotation(sts.rotate));
  await sts.stop();
});

test("those of a caller's own client are asked of it again", async () => {
  let key = "AKIAOLD";
  const own = new DynamoDBClient({
    endpoint: endpoint.endpoint,
    region: "us-east-1",
    credentials: async () => ({ accessKeyId: key, secretAccessKey: "secret" }),
  });
  const plane = createSdkDataPlane(withoutRetries(own));
  accepted = key;
  await put(plane);
  accepted = key = "AKIANEW";
  await Promise.all(many.map(() => put(plane)));
  own.destroy();
});

test("fixed ones that are refused are no reason to send a request twice", async () => {
  const at = { endpoint: endpoint.endpoint, region: "us-east-1" };
  const client = createDynamoDBClient({ ...at, credentials: { accessKeyId: "fixed", secretAccessKey: "s" } });
  const lean = createLeanDataPlane(sdkSource(client), timeouts);
  accepted = "another";
  for (const plane of [lean, createSdkDataPlane(client)]) {
    endpoint.requests.length = 0;
    assert.is(await put(plane).catch((error) => classifyError(error).kind), "denied");
    assert.is(endpoint.requests.length, 1);
  }
  client.destroy();
  await lean.close();
});

for (const blank of ["\n", " ", "\r\n", "\t"]) {
  test(`${JSON.stringify(blank)} after a key, a secret and a token in the environment is taken off`, async () => {
    accepted = "AKIATRIMMED";
    const variables = {
      AWS_ACCESS_KEY_ID: `${accepted}${blank}`,
      AWS_SECRET_ACCESS_KEY: `secret${blank}`,
      AWS_SESSION_TOKEN: `token${blank}`,
    };
    await withEnvironment({ ...paths(), ...variables }, () =>
      withPlanes(async (plane) => {
        endpoint.requests.length = 0;
        await put(plane);
        assert.match(endpoint.requests[0]?.head ?? "", /^x-amz-security-token: *token$/im);
      }),
    );
  });
}

test("a token with a line end in the midst of it is no request, and says so", async () => {
  const variables = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "secret", AWS_SESSION_TOKEN: "to\nken" };
  await withEnvironment({ ...paths(), ...variables }, () =>
    withPlanes(async (plane) => {
      endpoint.requests.length = 0;
      assert.is(await put(plane).catch((error) => classifyError(error).applied), "no");
      assert.is(endpoint.requests.length, 0);
    }),
  );
});

test("a request without credentials is not sent, and says so", async () => {
  await withEnvironment(paths(), () =>
    withPlanes(async (plane) => {
      endpoint.requests.length = 0;
      const failure = await put(plane).catch(classifyError);
      assert.equal({ ...failure, cause: undefined }, { applied: "no", kind: "no-credentials", cause: undefined });
      assert.is(endpoint.requests.length, 0);
    }),
  );
});

const awaySources: Record<string, () => Promise<Record<string, string>>> = {
  "a token file that is not there": async () => ({
    AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "missing"),
    AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/dynakv",
  }),
  "a container's endpoint that is away": async () => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:9/" }),
  "a profile that is not there": async () => ({ AWS_PROFILE: "missing" }),
  "a process that fails": async () => {
    const config = join(folder, "failing");
    await writeFile(config, "[default]\ncredential_process = false\n");
    return { AWS_CONFIG_FILE: config };
  },
};

for (const [name, write] of Object.entries(awaySources)) {
  test(`${name} is waited for like credentials that are not there yet`, async () => {
    await withEnvironment({ ...paths(), ...(await write()) }, () =>
      withPlanes(async (plane) => {
        const failure = await put(plane).catch(classifyError);
        assert.equal({ ...failure, cause: undefined }, { applied: "no", kind: "no-credentials", cause: undefined });
      }),
    );
  });
}

test("a caller whose deadline passes before there are credentials does not wait for them", async () => {
  const source = createHttpServer(() => {}).listen(0, "127.0.0.1");
  await once(source, "listening");
  const url = `http://127.0.0.1:${(source.address() as AddressInfo).port}/`;
  await withEnvironment({ ...paths(), AWS_CONTAINER_CREDENTIALS_FULL_URI: url }, () =>
    withPlanes(async (plane) => {
      const caller = new AbortController();
      const asked = once(source, "request");
      const failed = plane.putItem({ TableName: "t", Item: { id: { S: "k" } } }, caller.signal).catch(classifyError);
      await asked;
      caller.abort();
      assert.is(((await failed) as { kind: string }).kind, "aborted");
    }),
  );
  source.closeAllConnections();
  source.close();
});

for (const dataPlane of ["lean", "sdk"] as const) {
  test(`a server that starts before its credentials are there waits for them, dataPlane=${dataPlane}`, async () => {
    const engine = await startTestEngine();
    const file = join(folder, `late-${dataPlane}`);
    const table = uniqueTableName();
    await withEnvironment({ ...paths(), AWS_SHARED_CREDENTIALS_FILE: file }, async () => {
      const { endpoint: at, region, accessKeyId, secretAccessKey } = engine;
      const server = createServer({
        listen: "127.0.0.1:0",
        logLevel: "silent",
        endpoint: at,
        region,
        table,
        dataPlane,
      });
      const { url } = await server.start();
      const client = createClient(KeyValueService, createGrpcTransport({ baseUrl: url }));
      const early = await failureOf(client.set({ key: "k", value: Buffer.from("v") }));
      assert.equal([early.code, early.reason, early.outcome], ["Unavailable", "BACKEND_DENIED", "NOT_APPLIED"]);
      await writeFile(
        file,
        `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
      );
      await waitUntil("it serves", () =>
        client.set({ key: "k", value: Buffer.from("v") }).then(
          () => true,
          () => false,
        ),
      );
      await server.stop();
    });
    await engine.stop();
  });
}

test.run();
