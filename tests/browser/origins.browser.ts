import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "puppeteer-core";
import * as assert from "uvu/assert";
import { createToken } from "../../server/src/access/tokens.js";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { clientPage } from "./support/client-page.js";
import { browsersHere } from "./support/find-browsers.js";
import { launchBrowser, openPage } from "./support/launch-browser.js";
import { type PageServer, startPageServer } from "./support/page-server.js";

const service = "/dynakv.v1.KeyValueService";

for (const name of browsersHere()) {
  const test = suite(`pages of many origins in ${name}`);
  let server: TestServer;
  let pages: PageServer;
  let browser: Browser;

  test.before(async () => {
    server = await startTestServer();
    await server.client.set({ key: "secret", value: Buffer.from("a value") });
    pages = await startPageServer(await clientPage());
    browser = await launchBrowser(name, { loopbackNames: ["evil.example", "app.example"] });
  });
  test.after(async () => {
    await browser.close();
    await pages.stop();
    await server.stop();
  });

  /** A call of a page, or what it is told in its place. */
  const callFrom = async (pageUrl: string, options: { address?: string; token?: string }, headers = {}) => {
    const page = await openPage(browser, pageUrl);
    try {
      return await page.evaluate(
        async (options, headers) => {
          const client = dynakv.createClient({ ...options, retries: false, allowInsecureToken: true });
          let callId: string | null | undefined;
          const onHeader = (answered: Headers) => {
            callId = answered.get("x-request-id");
          };
          try {
            const entry = await client.keyspace("", dynakv.utf8).get("secret", { headers, onHeader });
            return { value: entry?.value, callId };
          } catch (cause) {
            const { reason, message } = cause as InstanceType<typeof dynakv.DynakvError>;
            return { reason, message };
          }
        },
        options,
        headers,
      );
    } finally {
      await page.close();
    }
  };
  const pageAt = (host: string, port = pages.port) => `http://${host}:${port}/`;

  test("a page on loopback is served, one of a foreign origin is not", async () => {
    for (const host of ["localhost", "127.0.0.1"]) {
      assert.is((await callFrom(pageAt(host), { address: server.url })).value, "a value", host);
    }
    const refused = await callFrom(pageAt("evil.example"), { address: server.url });
    // A browser keeps the answer from the page, so that it looks as if no server were there.
    assert.is(refused.reason, "UNREACHABLE");
    assert.match(refused.message ?? "", /failed to fetch|networkerror/i);
  });

  test("a page of a foreign origin writes nothing by requests of which no browser asks first", async () => {
    const page = await openPage(browser, pageAt("evil.example"));
    const target = `${server.url}${service}`;
    await page.evaluate(async (target) => {
      const body = '{"key":"planted","value":""}';
      const simple = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];
      for (const type of simple) {
        await fetch(`${target}/Set`, {
          method: "POST",
          mode: "no-cors",
          headers: { "content-type": type },
          body,
        }).catch(() => {});
      }
      navigator.sendBeacon(`${target}/Set`, new Blob([body], { type: "text/plain" }));
      await fetch(`${target}/Delete`, { method: "POST", mode: "no-cors", body: '{"key":"secret"}' }).catch(() => {});
    }, target);
    await page.close();
    assert.is(await server.rawItem("planted"), undefined);
    assert.ok(await server.rawItem("secret"));
  });

  test("a page whose origin is among corsOrigins is served", async () => {
    for (const corsOrigins of [`http://app.example:${pages.port}`, "*"]) {
      const { url } = await server.replica({ corsOrigins });
      assert.is((await callFrom(pageAt("app.example"), { address: url })).value, "a value", corsOrigins);
    }
    const { url } = await server.replica({ corsOrigins: "http://app.example" });
    assert.is((await callFrom(pageAt("app.example"), { address: url })).reason, "UNREACHABLE", "another port");
  });

  test("a page sends a token and its own headers, and reads the call's id", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dynakv-origins-"));
    const tokensFile = join(folder, "tokens.json");
    const { token, entry } = createToken("page");
    await writeFile(tokensFile, JSON.stringify({ tokens: [entry] }));
    const corsOrigins = `http://app.example:${pages.port}`;
    const { url: address } = await server.replica({ tokensFile, corsOrigins, corsHeaders: "x-tenant" });
    await rm(folder, { recursive: true });
    const call = (options: { token?: string }, headers: Record<string, string> = {}) =>
      callFrom(pageAt("app.example"), { address, ...options }, headers);

    const headers = { "x-tenant": "a", "x-request-id": `from-a-page-in-${name}` };
    assert.equal(await call({ token }, headers), { value: "a value", callId: headers["x-request-id"] });
    assert.is((await call({})).reason, "UNAUTHENTICATED");
    assert.is((await call({ token }, { "x-unknown": "a" })).reason, "UNREACHABLE");
  });

  test("a page whose name was pointed to this machine once it was loaded is refused, and reads nothing", async () => {
    const attacker = await startPageServer(await clientPage());
    const page = await openPage(browser, pageAt("evil.example", attacker.port));
    // The browser sees what rebinding brings about: the page's own name and port, where the service is now.
    await attacker.stop();
    await server.replica({ listen: `127.0.0.1:${attacker.port}` });
    const seen = await page.evaluate(async (service) => {
      const failureOf = async (call: Promise<unknown>) => {
        const { reason, message } = await call.then(
          () => ({ reason: "none", message: "" }),
          (cause) => cause,
        );
        return { reason, message };
      };
      const client = dynakv.createClient({ retries: false });
      const read = async () => {
        for await (const _ of client.scan()) {
          // One key would be too many.
        }
      };
      const query = `${service}/Get?connect=v1&encoding=json&message=${encodeURIComponent('{"key":"secret"}')}`;
      const answer = await fetch(query);
      return {
        set: await failureOf(client.set("planted", new Uint8Array())),
        get: await failureOf(client.get("secret")),
        scan: await failureOf(read()),
        query: [answer.status, await answer.text()],
      };
    }, service);
    await page.close();
    for (const failed of [seen.set, seen.get, seen.scan]) {
      assert.is(failed.reason, "PERMISSION_DENIED");
      assert.match(failed.message, "host not allowed");
    }
    assert.is(seen.query[0], 403);
    assert.not.match(String(seen.query[1]), Buffer.from("a value").toString("base64"));
    assert.is(await server.rawItem("planted"), undefined);
  });

  test("a page at a name of the server's own, which its settings allow, is served", async () => {
    const attacker = await startPageServer(await clientPage());
    const page = await openPage(browser, pageAt("app.example", attacker.port));
    await attacker.stop();
    const origin = `http://app.example:${attacker.port}`;
    await server.replica({
      listen: `127.0.0.1:${attacker.port}`,
      allowedHosts: "app.example",
      corsOrigins: origin,
    });
    const value = await page.evaluate(async () => {
      const names = dynakv.createClient({ retries: false }).keyspace("", dynakv.utf8);
      return (await names.get("secret"))?.value;
    });
    await page.close();
    assert.is(value, "a value");
  });

  test.run();
}
