import { type CreateTableCommandInput, DeleteTableCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import { examine } from "../../src/doctor/examine.js";
import { type Fault, type FaultProxy, startFaultProxy } from "../../src/faults/index.js";
import { completeSettings } from "../../src/settings/complete-settings.js";
import type { Settings } from "../../src/settings/settings.js";
import { createTable as createEngineTable, startTestEngine, type TestEngine, uniqueTableName } from "./engine.js";
import type { Suite } from "./suite.js";

/** What the doctor looks at: an engine behind a proxy, and a table of which all is well. */
export interface DoctorGrounds {
  readonly engine: TestEngine;
  readonly proxy: FaultProxy;
  /** It has three items: a value, a counter, and a value that has expired. */
  readonly table: string;
  createTable(options?: Partial<CreateTableCommandInput>): Promise<string>;
  /** Has some operations answered otherwise than by the engine, until the next test or call of it. */
  spoil(faults: Readonly<Record<string, Fault>>): void;
  /** Has the TTL of tables described so: the embedded engine cannot change it. */
  describeTtl(description: object): void;
  /** What the doctor finds, as `level subject: detail`. */
  findingsOf(settings: Partial<Settings>, clock?: () => number): Promise<string[]>;
}

const onTtl = { TimeToLiveStatus: "ENABLED", AttributeName: "ttl" };

/** Sets the grounds up before a suite's first test, has all of them well before each, and takes them down after its last. */
export function prepareDoctor(test: Suite): DoctorGrounds {
  const tables: string[] = [];
  let engine: TestEngine;
  let proxy: FaultProxy;
  let table: string;
  let ttl: object;

  test.before(async () => {
    engine = await startTestEngine();
    proxy = await startFaultProxy({ target: engine.endpoint });
    table = await createTable();
    const items = [
      { result: { B: Buffer.from("a value") } },
      { chord_count: { N: "3" } },
      { result: { B: Buffer.from("gone") }, ttl: { N: "1" } },
    ];
    for (const [index, item] of items.entries()) {
      await engine.client.send(
        new PutItemCommand({ TableName: table, Item: { id: { S: `planted-${index}` }, ...item } }),
      );
    }
  });

  test.before.each(() => {
    proxy.reset();
    describeTtl(onTtl);
  });

  test.after(async () => {
    for (const TableName of tables) {
      await engine.client.send(new DeleteTableCommand({ TableName }));
    }
    await proxy.stop();
    await engine.stop();
  });

  function describeTtl(description: object): void {
    ttl = description;
    spoil({});
  }

  function spoil(faults: Readonly<Record<string, Fault>>): void {
    const answers = { DescribeTimeToLive: answer({ TimeToLiveDescription: ttl }), ...faults };
    proxy.decide = ({ operation }) => (answers as Record<string, Fault>)[operation] ?? "forward";
  }

  async function createTable(options: Partial<CreateTableCommandInput> = {}): Promise<string> {
    const name = uniqueTableName();
    await createEngineTable(engine, name, options);
    tables.push(name);
    return name;
  }

  async function findingsOf(settings: Partial<Settings>, clock?: () => number): Promise<string[]> {
    const { region, accessKeyId, secretAccessKey } = engine;
    // Where the default would have it, another test may listen.
    const listen = "127.0.0.1:0";
    const given = { listen, endpoint: proxy.endpoint, region, accessKeyId, secretAccessKey, ...settings };
    const examination = await examine(completeSettings(given).settings, new AbortController().signal, clock);
    for (const { level, advice } of examination.findings) {
      assert.is(advice !== undefined, level === "warning" || level === "failure");
    }
    return examination.findings.map(({ level, subject, detail }) => `${level} ${subject}: ${detail}`);
  }

  return {
    get engine() {
      return engine;
    },
    get proxy() {
      return proxy;
    },
    get table() {
      return table;
    },
    createTable,
    spoil,
    describeTtl,
    findingsOf,
  };
}

/** Settings by which the embedded engine serves. */
export const embedded = { endpoint: undefined, region: undefined, accessKeyId: undefined, secretAccessKey: undefined };

/** Each thing that is not well must be found by one of the patterns, and each pattern must find one. */
export function expectTroubles(findings: readonly string[], patterns: readonly RegExp[]): void {
  // How long the engine takes is the machine's doing.
  const troubles = findings.filter(
    (finding) => /^(warning|failure)/.test(finding) && !finding.startsWith("warning latency:"),
  );
  for (const pattern of patterns) {
    assert.ok(
      troubles.some((trouble) => pattern.test(trouble)),
      `${pattern} was not found in\n${findings.join("\n")}`,
    );
  }
  for (const trouble of troubles) {
    assert.ok(
      patterns.some((pattern) => pattern.test(trouble)),
      `${trouble} was not expected`,
    );
  }
}

/** An answer of the engine's with this body. */
export function answer(body: object): Fault {
  return { kind: "answer", status: 200, body };
}

/** The engine's refusal by this name. */
export function denied(name: string, message = "planted-message") {
  return {
    kind: "answer",
    status: 400,
    body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message },
  } as const;
}
