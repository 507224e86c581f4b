import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient as createConnectClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import {
  KeyValueService,
  type MDeleteResponse,
  type MSetResponse,
  SetRequestSchema,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { bearer } from "../support/bad-attempts.js";
import {
  callersOfTests,
  type FormSender,
  formsOf,
  inGroups,
  type Method,
  methods,
  sendByForm,
} from "../support/every-form.js";
import { type GuardedServers, startGuardedServers } from "../support/guarded-servers.js";
import { suite } from "../support/suite.js";
import { wireForms } from "../support/wire-forms.js";

const test = suite("what callers may do");

const { get, set, mGet, scan, delete: remove, incr, touch } = KeyValueService.method;
const send: FormSender = (...call) => sendByForm(servers, ...call);

let servers: GuardedServers;

test.before(async () => {
  servers = await startGuardedServers(callersOfTests);
});

test.before.each(() => servers.forget());

test.after(() => servers.stop());

test("what the policy lets nobody do with any key is refused before the body is read", async () => {
  const refused: [string, Method[]][] = [
    ["stranger", methods],
    ["reader", [set, remove, incr, touch]],
    ["remover", [get, mGet, scan, set, incr, touch]],
  ];
  const all = refused.flatMap(([name, some]) => formsOf(some).map(([method, form]) => [name, method, form] as const));
  await inGroups(all, async ([name, method, form]) => {
    const { code, message } = await send(form, method, undefined, { headers: bearer(servers.token(name)) });
    assert.is(code, "PermissionDenied", `${name}: ${method.name} by ${form.name}`);
    assert.not.match(message, "orders");
  });
  assert.equal(servers.reached(), []);
});

test("a key that the caller may not touch is refused, and so are all of an MGet that names one, and nothing is read", async () => {
  const keys = ["other:1", "orders", "Orders:1", "öffentlich:1", " orders:1"];
  const all = formsOf(methods).flatMap(([method, form], index) =>
    ["order", keys[index % keys.length] ?? ""].map((key) => {
      const message =
        method === mGet
          ? { keys: ["orders:1", "orders:2", key, "orders:3"] }
          : method === scan
            ? { prefix: key }
            : { key };
      return [method, form, key, message] as const;
    }),
  );
  await inGroups(all, async ([method, form, key, message]) => {
    const { code, message: said } = await send(form, method, message, { headers: bearer(servers.token("orders")) });
    assert.is(code, "PermissionDenied", `${key}: ${method.name} by ${form.name}`);
    assert.not.match(said, key);
  });
  assert.equal(servers.reached(), []);
});

test("an MGet is refused for the last of very many keys, whose rights take longer than a turn to check, and nothing is read", async () => {
  const keys = [...Array.from({ length: 100_000 }, (_, n) => `orders:${n}`), "other:1"];
  for (const form of wireForms.filter(({ name }) => name === "gRPC" || name === "gRPC-web")) {
    const { code } = await send(form, mGet, { keys }, { headers: bearer(servers.token("reader")) });
    assert.is(code, "PermissionDenied", form.name);
  }
  assert.equal(servers.reached(), []);
});

test("a caller with another right for each prefix may do with a key what its own prefix allows, and nothing else", async () => {
  const prefixOf = new Map<Method, string>([
    [get, "r:"],
    [mGet, "r:"],
    [scan, "r:"],
    [set, "w:"],
    [incr, "w:"],
    [touch, "w:"],
    [remove, "d:"],
  ]);
  const messageFor = (method: Method, key: string) => {
    switch (method) {
      case mGet:
        return { keys: [key] };
      case scan:
        return { prefix: key };
      case touch:
        return { key, expiry: { policy: { case: "never", value: {} } } };
      default:
        return { key };
    }
  };
  // Those that answer each position by itself have a test of their own.
  const answeringEach = [KeyValueService.method.mSet, KeyValueService.method.mDelete];
  assert.is(prefixOf.size + answeringEach.length, KeyValueService.methods.length, "each method is tried");
  const all = formsOf(methods).flatMap(([method, form]) =>
    ["r:", "w:", "d:"].map((prefix) => [method, form, prefix] as const),
  );
  const only = new Map([
    ["r:", "only-read"],
    ["w:", "only-write"],
    ["d:", "only-delete"],
  ]);
  await inGroups(all, async ([method, form, prefix]) => {
    // A key of its own for each: a value is no counter.
    const message = messageFor(method, `${prefix}${method.name}`);
    const expected = prefixOf.get(method) === prefix ? "ok" : "PermissionDenied";
    for (const name of ["mixed", only.get(prefix) ?? ""]) {
      const { code } = await send(form, method, message, { headers: bearer(servers.token(name)) });
      assert.is(code, expected, `${name}: ${method.name} of ${prefix} by ${form.name}`);
    }
  });
});

test("what a write has replaced, removed or touched is told only to who may read it, and else nothing is written", async () => {
  const expiry = { policy: { case: "never", value: {} } };
  const asks: [Method, Record<string, unknown>, string][] = [
    [set, { returnPrevious: true }, "w:"],
    [touch, { returnEntry: true, expiry }, "w:"],
    [remove, { returnEntry: true }, "d:"],
  ];
  const all = asks.flatMap(([method, asked, prefix]) =>
    formsOf([method]).map(([, form]) => [method, asked, prefix, form] as const),
  );
  const sent = async ([method, asked, , form]: (typeof all)[number], token: string, key: string) =>
    (await send(form, method, { ...asked, key }, { headers: bearer(servers.token(token)) })).code;
  await inGroups(all, async (each) => {
    const [method, , prefix, form] = each;
    assert.is(await sent(each, "mixed", `${prefix}told`), "PermissionDenied", `${method.name} by ${form.name}`);
  });
  assert.equal(servers.reached(), []);
  await inGroups(all, async (each) => {
    const [method, , , form] = each;
    assert.is(await sent(each, "orders", "orders:told"), "ok", `${method.name} by ${form.name}`);
  });
});

test("of an MSet or MDelete a key that the caller may not write or remove fails its own position, and no other", async () => {
  const clientOf = (token: string) => {
    const interceptor: Interceptor = (next) => (request) => {
      request.header.set("authorization", `Bearer ${servers.token(token)}`);
      return next(request);
    };
    return createConnectClient(
      KeyValueService,
      createGrpcTransport({ baseUrl: servers.plain, interceptors: [interceptor] }),
    );
  };
  async function answersOf(stream: AsyncIterable<MSetResponse | MDeleteResponse>): Promise<string[]> {
    const answers: string[] = [];
    for await (const { results } of stream) {
      for (const { index, result } of results) {
        const { case: kind, value } = result;
        answers[index] = kind === "error" ? `${Code[value.code]} ${value.detail?.outcome}` : String(kind);
      }
    }
    return answers;
  }
  const denied = `PermissionDenied ${Outcome.NOT_APPLIED}`;
  const mixed = clientOf("mixed");
  const entries = ["w:1", "r:1", "w:2", "d:1", "other"].map((key) => ({ key }));
  const reading = { key: "w:3", returnPrevious: true };
  const stored = await answersOf(
    mixed.mSet({ entries: [...entries, reading].map((entry) => create(SetRequestSchema, entry)) }),
  );
  assert.equal(stored, ["stored", denied, "stored", denied, denied, denied]);
  assert.equal(await answersOf(mixed.mDelete({ keys: ["d:1", "w:1", "d:2"] })), ["deleted", denied, "deleted"]);
  assert.equal(await answersOf(mixed.mDelete({ keys: ["d:1"], returnEntries: true })), [denied]);
  // Each takes the one right that it is about, and no other.
  const onlyWrite = clientOf("only-write");
  assert.equal(await answersOf(onlyWrite.mSet({ entries: [create(SetRequestSchema, { key: "w:4" })] })), ["stored"]);
  assert.equal(await answersOf(clientOf("only-delete").mDelete({ keys: ["d:1"] })), ["deleted"]);
  // Who may write nothing at all is refused as a whole.
  for (const call of [clientOf("reader").mSet({ entries: [] }), clientOf("reader").mDelete({ keys: ["d:1"] })]) {
    const failure = await answersOf(call).then(() => undefined, ConnectError.from);
    assert.is(failure?.code, Code.PermissionDenied);
  }
});

test("who may read some prefixes may scan them and what is below them, and nothing above", async () => {
  const forms = formsOf([scan]).map(([, form]) => form);
  await inGroups(forms, async (form) => {
    const scanned = async (token: string, prefix: string) =>
      (await send(form, scan, { prefix }, { headers: bearer(servers.token(token)) })).code;
    for (const prefix of ["", "o", "orders", "other:"]) {
      assert.is(await scanned("orders", prefix), "PermissionDenied", `${prefix} by ${form.name}`);
    }
    assert.equal(servers.reached(), []);
    assert.is(await scanned("remover", ""), "PermissionDenied");
  });
  for (const form of forms) {
    for (const prefix of ["orders:", "orders:1"]) {
      const { code } = await send(form, scan, { prefix }, { headers: bearer(servers.token("reader")) });
      assert.is(code, "ok", `${prefix} by ${form.name}`);
    }
  }
});

test.run();
