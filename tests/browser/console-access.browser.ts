import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@dynakv/client";
import * as assert from "uvu/assert";
import { createToken } from "../../server/src/access/tokens.js";
import { suite } from "../../server/test/support/suite.js";
import { waitUntil } from "../../server/test/support/wait-until.js";
import { findFreePort } from "../../tools/free-port.js";
import { type ConsoleScene, startConsoleScene } from "./support/console-scene.js";
import { browsersHere } from "./support/find-browsers.js";
import { openPage } from "./support/launch-browser.js";
import { startPageServer } from "./support/page-server.js";

const utf8 = (text: string) => new TextEncoder().encode(text);

for (const name of browsersHere()) {
  const test = suite(`who may do what in the console in ${name}`);
  const ops = createToken("ops");
  const reader = createToken("reader");
  let folder: string;
  let scene: ConsoleScene;
  let guarded: string;

  const allow = async (...tokens: readonly { readonly entry: object }[]) => {
    const path = join(folder, "tokens.json");
    await writeFile(`${path}.new`, JSON.stringify({ tokens: tokens.map(({ entry }) => entry) }));
    await rename(`${path}.new`, path);
  };

  test.before(async () => {
    folder = await mkdtemp(join(tmpdir(), "dynakv-console-"));
    await allow(ops, reader);
    const rules = [
      { identities: ["token:ops"], rights: ["read", "write", "delete"], prefixes: [""] },
      { identities: ["token:reader"], rights: ["read"], prefixes: ["open:"] },
    ];
    await writeFile(join(folder, "policy.json"), JSON.stringify({ rules }));
    scene = await startConsoleScene(name, {}, { loopbackNames: ["evil.example"] });
    const files = { tokensFile: join(folder, "tokens.json"), policyFile: join(folder, "policy.json") };
    ({ url: guarded } = await scene.serve(files));
    const client = createClient({ address: guarded, token: ops.token });
    await client.set("open:1", utf8("for all"));
    await client.set("closed:1", utf8("for some"));
    client.close();
  });
  test.after(async () => {
    await scene.stop();
    await rm(folder, { recursive: true });
  });

  test("a caller that the server does not know is asked for a token, and one that it refuses again", async () => {
    const view = await scene.open("#/keys?key=open:1", { url: guarded });
    await view.waitFor("dialog", "The server wants to know who calls");
    assert.equal(await view.findBarriers(), []);
    await view.fill('dialog input[type="password"]', "dkv_wrong");
    await view.press("Enter");
    await view.waitFor('[data-reason="UNAUTHENTICATED"]', "The server does not know you");
    await view.waitFor("dialog", "The server wants to know who calls");
    await view.fill('dialog input[type="password"]', reader.token);
    await view.press("Enter");
    await view.waitFor(".value.text", "for all");
    assert.not.match(
      await view.page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }])),
      /dkv_/,
    );
    assert.ok(!view.page.url().includes(reader.token));
    assert.equal(await view.problems(), []);
    await view.close();
  });

  test("what a policy forbids is refused, and shown as such", async () => {
    const view = await scene.open("#/keys?key=closed:1", { url: guarded });
    await view.fill('dialog input[type="password"]', reader.token);
    await view.press("Enter");
    await view.waitFor('.entry [data-reason="PERMISSION_DENIED"]', "You may not do this");
    assert.not.match((await view.text("body")) ?? "", /for some/);
    await view.fill('.find-form input[type="text"]', "closed:");
    await view.press("Enter");
    await view.waitFor('.find [data-reason="PERMISSION_DENIED"]', "You may not do this");
    await view.fill('.find-form input[type="text"]', "open:");
    await view.press("Enter");
    await view.waitFor(".virtual-rows .grid-row", "open:1");
    await view.click(".virtual-rows .grid-row", "open:1");
    await view.waitFor(".value.text", "for all");
    for (const shortcut of ["e", "x", "d"]) {
      await view.press(shortcut);
      await view.click('dialog button[type="submit"]');
      await view.waitFor('dialog [data-reason="PERMISSION_DENIED"]', "Nothing was changed");
      await view.press("Escape");
      await view.waitForNone("dialog");
    }
    const client = createClient({ address: guarded, token: ops.token });
    const entry = await client.get("open:1");
    assert.equal(entry?.kind === "value" && new TextDecoder().decode(entry.value), "for all");
    client.close();
    assert.equal(await view.problems(), []);
    await view.close();
  });

  test("a token that is taken back while the page is open is asked for anew", async () => {
    const view = await scene.open("#/keys?key=open:1", { url: guarded });
    await view.fill('dialog input[type="password"]', reader.token);
    await view.click('dialog input[type="checkbox"]');
    await view.press("Enter");
    await view.waitFor(".value.text", "for all");
    await view.page.reload();
    await view.waitFor(".value.text", "for all");
    await allow(ops);
    // The file is read again within a second or so, and on a busy machine later.
    await waitUntil("the token is refused", async () => {
      if ((await view.text("dialog")) !== undefined) {
        return true;
      }
      await view.press("r");
      // To ask once more ends the call that is under way.
      await view.page.waitForNetworkIdle({ idleTime: 250 });
      return false;
    });
    await view.waitFor("dialog", "The server wants to know who calls");
    await view.fill('dialog input[type="password"]', ops.token);
    await view.press("Enter");
    await view.waitForNone("dialog");
    await view.waitForNone('[data-reason="UNAUTHENTICATED"]');
    await allow(ops, reader);
    await view.close();
  });

  test("the figures are not asked for again and again by a caller that is refused", async () => {
    const view = await scene.open("#/server", { url: guarded });
    await view.waitFor("dialog", "The server wants to know who calls");
    await view.waitFor(".hint", "shows its figures to callers that it knows");
    const asked = () => view.requested.filter((url) => url.endsWith("/console/metrics")).length;
    const before = asked();
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.is(asked(), before);
    await view.fill('dialog input[type="password"]', ops.token);
    await view.press("Enter");
    await view.waitFor(".charts", "Calls");
    await view.close();
  });

  test("a read-only console shows no way to change anything", async () => {
    const { url } = await scene.serve({ console: "read-only" });
    const client = createClient({ address: url });
    await client.set("k", utf8("v"));
    client.close();
    const view = await scene.open("#/keys?key=k", { url });
    await view.waitFor(".value.text", "v");
    await view.waitFor(".chip", "read-only");
    const buttons = (await view.texts("button")).join(" ");
    assert.not.match(buttons, /New|Change|Expiry|Delete|Add/);
    await view.press("n", "e", "d", "x", "i");
    assert.is(await view.text("dialog"), undefined);
    assert.equal(await view.findBarriers(), []);
    await view.close();
  });

  test("a page of another origin can neither frame the console nor use what it loads", async () => {
    const script = await (await fetch(`${scene.url}/console`)).text();
    const path = /src="(console\/assets\/[^"]+)"/.exec(script)?.[1];
    const pages = await startPageServer({ "/": { type: "text/html", body: "<p>Another page" } });
    for (const host of ["127.0.0.1", "evil.example"]) {
      const page = await openPage(scene.browser, `http://${host}:${pages.port}/`);
      // Not in the page itself: Firefox may take the frame that it refuses for a page that could not be opened.
      await page.evaluate(use, `${scene.url}/console`, `${scene.url}/${path}`);
      const framed = page.frames().filter((frame) => frame.parentFrame() !== null);
      for (const frame of framed) {
        const holds = await frame.evaluate(() => document.getElementById("app") !== null).catch(() => false);
        assert.is(holds, false, `framed by ${host}`);
      }
      const read = await page.evaluate(async (url) => {
        try {
          return await (await fetch(`${url}/console/metrics`)).text();
        } catch {
          return "refused";
        }
      }, scene.url);
      assert.is(read, "refused", host);
      await page.close();
    }
    await pages.stop();
  });

  test("a server that is restarted is waited for, and its charts begin anew", async () => {
    // Nobody else is given it while the server is away.
    const listen = `127.0.0.1:${await findFreePort()}`;
    const first = await scene.serve({ listen });
    const view = await scene.open("#/server", { url: first.url });
    await view.waitFor(".card", /Health\s+serving/);
    await first.server.stop();
    await view.waitFor(".card", /Health\s+unreachable/);
    await scene.serve({ listen });
    await view.waitFor(".card", /Health\s+serving/);
    await view.waitFor(".charts", "Calls");
    assert.equal(await view.problems(), []);
    await view.close();
  });

  test("the console behind a proxy calls the server under the proxy's prefix", async () => {
    const proxy = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) {
        chunks.push(chunk as Buffer);
      }
      const path = request.url ?? "";
      if (!path.startsWith("/kv/")) {
        response.writeHead(404).end();
        return;
      }
      const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
      const answer = await fetch(`${scene.url}${path.slice(3)}`, {
        method: request.method ?? "GET",
        headers: { ...(headers as Record<string, string>), "accept-encoding": "identity" },
        redirect: "manual",
        ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
      });
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const { port } = proxy.address() as AddressInfo;
    await scene.client.set("behind", utf8("a proxy"));
    const view = await scene.open("#/keys?key=behind", { url: `http://127.0.0.1:${port}/kv` });
    await view.waitFor(".value.text", "a proxy");
    assert.ok(view.requested.every((url) => url.startsWith(`http://127.0.0.1:${port}/kv/`)));
    await view.page.goto(`http://127.0.0.1:${port}/kv/console/`);
    await view.waitFor("nav", "Keys");
    assert.is(new URL(view.page.url()).pathname, "/kv/console");
    await view.close();
    proxy.close();
    proxy.closeAllConnections();
  });

  test("the time that is left is by the server's clock, however wrong that of the browser is", async () => {
    await scene.client.set("hour", utf8("v"), { expiry: { seconds: 3600 } });
    const script = "const now = Date.now; Date.now = () => now() - 1_800_000;";
    const view = await scene.open("#/keys?key=hour", { script });
    await view.waitFor(".entry-facts", /in (1 h|59 min)/);
    await view.close();
  });

  test.run();
}

/** Runs in a page: resolves when it has tried to show one thing in a frame, and to load another as a script. */
function use(framed: string, script: string): Promise<unknown> {
  const tried = [
    Object.assign(document.createElement("iframe"), { src: framed }),
    Object.assign(document.createElement("script"), { src: script }),
  ];
  return Promise.all(
    tried.map(
      (element) =>
        new Promise((resolve) => {
          element.onload = resolve;
          element.onerror = resolve;
          document.body.append(element);
        }),
    ),
  );
}
