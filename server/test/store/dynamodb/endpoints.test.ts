import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { KeyValueService } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { examine } from "../../../src/doctor/examine.js";
import { createServer, type ServerOptions, SetupError } from "../../../src/index.js";
import { completeSettings } from "../../../src/settings/complete-settings.js";
import { classifyError } from "../../../src/store/dynamodb/aws-errors.js";
import type { DataPlane } from "../../../src/store/dynamodb/data-plane.js";
import { createDynamoDBClient } from "../../../src/store/dynamodb/dynamodb-client.js";
import { createLeanDataPlane } from "../../../src/store/dynamodb/lean-data-plane.js";
import { createSdkDataPlane } from "../../../src/store/dynamodb/sdk-data-plane.js";
import { findSigningTarget, sdkSource } from "../../../src/store/dynamodb/signing-target.js";
import { timeouts } from "../../../src/store/dynamodb/timeouts.js";
import { createTable, startTestEngine, type TestEngine, uniqueTableName } from "../../support/engine.js";
import { withEnvironment } from "../../support/environment.js";
import { suite } from "../../support/suite.js";

const test = suite("endpoints");
const table = uniqueTableName();
let engine: TestEngine;
let folder: string;

test.before(async () => {
  engine = await startTestEngine();
  await createTable(engine, table);
  folder = await mkdtemp(join(tmpdir(), "dynakv-endpoints-"));
});

test.after(async () => {
  await engine.stop();
  await rm(folder, { recursive: true });
});

async function serve(options: ServerOptions): Promise<void> {
  const server = createServer({ listen: "127.0.0.1:0", logLevel: "silent", ...options });
  const { url } = await server.start();
  try {
    const client = createClient(KeyValueService, createGrpcTransport({ baseUrl: url }));
    await client.set({ key: "k", value: Buffer.from("v") });
    assert.is((await client.get({ key: "k" })).entry?.data.case, "value");
  } finally {
    await server.stop();
  }
}

const flags = { AWS_USE_FIPS_ENDPOINT: "true", AWS_USE_DUALSTACK_ENDPOINT: "true" };
const atEngine = () => {
  const { region, accessKeyId, secretAccessKey } = engine;
  return { region, accessKeyId, secretAccessKey, table };
};

/** What an environment may say of AWS's own endpoints, and of much else that is not for a local one. */
const environments: Record<string, () => Promise<Record<string, string>>> = {
  AWS_USE_FIPS_ENDPOINT: async () => ({ AWS_USE_FIPS_ENDPOINT: "true" }),
  AWS_USE_DUALSTACK_ENDPOINT: async () => ({ AWS_USE_DUALSTACK_ENDPOINT: "true" }),
  "both of them": async () => flags,
  "the profile's flags": async () => {
    const config = join(folder, "flags");
    await writeFile(config, "[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\n");
    return { AWS_CONFIG_FILE: config };
  },
  "a flag that is neither true nor false": async () => ({ AWS_USE_FIPS_ENDPOINT: "yes" }),
  "a profile that is not there": async () => ({ AWS_PROFILE: "missing", AWS_CONFIG_FILE: join(folder, "none") }),
  "endpoints by accounts": async () => ({ AWS_ACCOUNT_ID_ENDPOINT_MODE: "required" }),
  "retries of the SDK's": async () => ({ AWS_MAX_ATTEMPTS: "9", AWS_RETRY_MODE: "adaptive" }),
  "another endpoint": async () => ({ AWS_ENDPOINT_URL: "http://127.0.0.1:9", AWS_REGION: "eu-west-1" }),
};

for (const [name, write] of Object.entries(environments)) {
  test(`the quick start and a local endpoint work with ${name}`, async () => {
    await withEnvironment(await write(), async () => {
      await serve({ data: "memory" });
      for (const dataPlane of ["lean", "sdk"] as const) {
        await serve({ ...atEngine(), endpoint: engine.endpoint, dataPlane });
      }
    });
  });
}

for (const dataPlane of ["lean", "sdk"] as const) {
  test(`a local endpoint that the environment or the profile names works with the flags: ${dataPlane}`, async () => {
    const config = join(folder, "services");
    await writeFile(
      config,
      `[default]\nservices = local\nuse_fips_endpoint = true\n[services local]\ndynamodb =\n  endpoint_url = ${engine.endpoint}\n`,
    );
    for (const place of [
      { AWS_ENDPOINT_URL: engine.endpoint, ...flags },
      { AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint, ...flags },
      { AWS_CONFIG_FILE: config, AWS_USE_DUALSTACK_ENDPOINT: "true" },
    ]) {
      await withEnvironment(place, () => serve({ ...atEngine(), dataPlane }));
    }
  });
}

test("a region that cannot be one ends the start, and says what it is", async () => {
  for (const AWS_REGION of ["us-east-1\n", "us east", "a.example/"]) {
    await withEnvironment({ AWS_REGION, AWS_CONFIG_FILE: join(folder, "none") }, async () => {
      const error = await serve({ accessKeyId: "key", secretAccessKey: "secret" }).then(
        () => undefined,
        (cause: unknown) => cause as SetupError,
      );
      assert.instance(error, SetupError);
      assert.not(error?.transient);
      assert.match(error?.message ?? "", /region/i);
    });
  }
});

test("AWS's own endpoints have the variant that the flags choose", async () => {
  const originOf = async (environment: Record<string, string>) =>
    withEnvironment(environment, async () => {
      const credentials = { accessKeyId: "key", secretAccessKey: "secret" };
      const client = createDynamoDBClient({ region: "us-east-1", endpoint: undefined, credentials });
      return (await findSigningTarget(client)).origin;
    });
  assert.is(await originOf({}), "https://dynamodb.us-east-1.amazonaws.com");
  assert.is(await originOf({ AWS_USE_FIPS_ENDPOINT: "true" }), "https://dynamodb-fips.us-east-1.amazonaws.com");
  assert.is(await originOf({ AWS_USE_DUALSTACK_ENDPOINT: "true" }), "https://dynamodb.us-east-1.api.aws");
});

// Whoever has to use FIPS must not be led past it by an endpoint that does not.
const unusable: Record<string, { environment: Record<string, string>; endpoint?: string }> = {
  "FIPS beside an endpoint of AWS's": {
    environment: { AWS_USE_FIPS_ENDPOINT: "true" },
    endpoint: "https://dynamodb.us-east-1.amazonaws.com",
  },
  "an account's endpoint without an account": { environment: { AWS_ACCOUNT_ID_ENDPOINT_MODE: "required" } },
};

for (const [name, { environment, endpoint }] of Object.entries(unusable)) {
  test(`${name} ends the start with what is wrong, and nothing is sent`, async () => {
    await withEnvironment(environment, async () => {
      const credentials = { accessKeyId: "key", secretAccessKey: "secret" };
      const options = { ...credentials, region: "us-east-1", ...(endpoint === undefined ? {} : { endpoint }) };
      for (const dataPlane of ["lean", "sdk"] as const) {
        const error = await serve({ ...options, dataPlane }).then(
          () => undefined,
          (cause: unknown) => cause as SetupError,
        );
        assert.instance(error, SetupError);
        assert.not(error?.transient);
        assert.match(error?.message ?? "", /FIPS|AccountId/i);
      }
      const client = createDynamoDBClient({ region: "us-east-1", endpoint, credentials });
      const lean = createLeanDataPlane(sdkSource(client), timeouts);
      const put = (plane: DataPlane) =>
        plane.putItem({ TableName: "t", Item: { id: { S: "k" } } }, new AbortController().signal).catch(classifyError);
      for (const plane of [lean, createSdkDataPlane(client)]) {
        assert.is(((await put(plane)) as { applied: string }).applied, "no");
      }
      client.destroy();
      await lean.close();
      const { findings } = await examine(completeSettings(options).settings, new AbortController().signal);
      assert.ok(findings.some(({ level, detail }) => level === "failure" && /FIPS|AccountId/i.test(detail)));
    });
  });
}

test.run();
