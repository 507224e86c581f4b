import { createRouterTransport } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import * as entry from "../../gen/dynakv/v1/entry_pb.js";
import * as error from "../../gen/dynakv/v1/error_pb.js";
import * as infoService from "../../gen/dynakv/v1/info_service_pb.js";
import * as keyValueService from "../../gen/dynakv/v1/key_value_service_pb.js";
import { suite } from "../../server/test/support/suite.js";
import * as client from "../src/index.js";

const test = suite("createClient");

test("the package exports every generated type of dynakv.v1", () => {
  const generated = Object.entries({ ...entry, ...error, ...infoService, ...keyValueService });
  const exported: Readonly<Record<string, unknown>> = client;
  for (const [name, value] of generated) {
    // The descriptors of files are for tools, not for users.
    if (!name.startsWith("file_")) {
      assert.is(exported[name], value, `${name} is not exported`);
    }
  }
});

test("a transport of the caller's own is used, and left open", async () => {
  const transport = createRouterTransport(({ service }) => {
    service(client.KeyValueService, { incr: () => ({ value: 7n }) });
  });
  const first = client.createClient({ transport });
  assert.is((await first.incr({ key: "a" })).value, 7n);
  first.close();
  assert.is((await client.createClient({ transport }).incr({ key: "a" })).value, 7n);
});

test("gRPC over HTTP/1.1 is refused", () => {
  assert.throws(() => client.createClient({ protocol: "grpc", httpVersion: "1.1" }), /needs httpVersion "2"/);
});

test("an error of another making has no detail", () => {
  assert.is(client.getErrorDetail(new Error("other")), undefined);
  assert.is(client.getErrorDetail(undefined), undefined);
  assert.is(client.getErrorDetail(new client.ConnectError("bare", client.Code.Internal)), undefined);
});

test.run();
