import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { type ConsoleScene, startConsoleScene } from "./support/console-scene.js";
import { browsersHere } from "./support/find-browsers.js";

for (const name of browsersHere()) {
  const test = suite(`the console over a table in DynamoDB in ${name}`);
  let server: TestServer;
  let url: string;
  let scene: ConsoleScene;

  test.before(async () => {
    server = await startTestServer();
    ({ url } = await server.replica({ console: "on" }));
    scene = await startConsoleScene(name);
    await server.client.set({ key: "user:1", value: Buffer.from("v") });
    await server.putRaw({ id: { S: "foreign" }, other: { S: "of another program" } });
    // As Celery has left it: expired, and not reaped yet.
    const now = Math.floor(Date.now() / 1000);
    await server.putRaw({ id: { S: "expired" }, result: { B: Buffer.from("v") }, ttl: { N: String(now - 60) } });
  });
  test.after(async () => {
    await scene.stop();
    await server.stop();
  });

  test("nothing is read before it is asked for, and what a list costs is said before", async () => {
    const view = await scene.open("#/keys?prefix=user:", { url });
    await view.waitFor(".empty", "costs the read capacity for that");
    await view.page.waitForNetworkIdle();
    assert.equal(
      view.requested.filter((each) => each.includes("KeyValueService")),
      [],
    );
    assert.equal(await view.findBarriers(), []);
    await view.click(".find-form button", "List keys");
    await view.waitFor(".scan-words[data-state=done]", "1 key");
    await view.close();
  });

  test("an item of another program is told as such, and what has expired is gone", async () => {
    const view = await scene.open("#/keys", { url });
    await view.click(".find-form button", "List keys");
    await view.waitFor(".scan-words[data-state=done]", "2 keys");
    await view.waitFor(".virtual-rows .grid-row", /foreign\s+unreadable/);
    await view.click(".virtual-rows .grid-row", "foreign");
    await view.waitFor('[data-reason="UNREADABLE_ITEM"]', "An item of another program");
    assert.equal(await view.findBarriers(), []);
    await view.page.goto(`${url}/console#/keys?key=expired`);
    await view.waitFor('[data-state="absent"]', "The key holds nothing");
    assert.equal(await view.problems(), []);
    await view.close();
  });

  test("the way back from an entry, and from the server, leads to the list that was left", async () => {
    const view = await scene.open("#/keys", { url });
    await view.fill('.find-form input[type="text"]', "user:");
    await view.press("Enter");
    await view.click(".virtual-rows .grid-row", "user:1");
    await view.waitFor(".value.text", "v");
    await view.click("nav a", "Server");
    await view.waitFor(".card", "Limits");
    await view.click("nav a", "Keys");
    await view.waitFor(".entry-key", "user:1");
    await view.press("Escape");
    await view.waitFor(".pane.none", "An entry that you open");
    assert.is(new URL(view.page.url()).hash, "#/keys?prefix=user%3A");
    await view.waitFor(".scan-words", "1 key");
    await view.page.goBack();
    await view.waitFor(".entry-key", "user:1");
    await view.close();
  });

  test.run();
}
