import { taskKey } from "@dynakv/client/celery";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { type ConsolePage, type ConsoleScene, startConsoleScene } from "./support/console-scene.js";
import { browsersHere } from "./support/find-browsers.js";
import { childId, failedId, fillTable, orderKey, taskId } from "./support/shop-table.js";

const utf8 = (text: string) => new TextEncoder().encode(text);
const linkOf = (key: string, form = "") => `#/keys?key=${encodeURIComponent(key)}${form === "" ? "" : `&form=${form}`}`;
const rows = ".virtual-rows .grid-row";
const field = '.find-form input[type="text"]';

for (const name of browsersHere()) {
  const test = suite(`the console in ${name}`);
  let scene: ConsoleScene;
  let view: ConsolePage;

  test.before(async () => {
    scene = await startConsoleScene(name);
  });
  test.after(() => scene.stop());

  /** Each page has kept to its policy, and has asked nobody but its own server. */
  const look = async (hash: string, body: (view: ConsolePage) => Promise<void>, options = {}) => {
    view = await scene.open(hash, options);
    try {
      await body(view);
      assert.equal(await view.problems(), []);
      const foreign = view.requested.filter((url) => !url.startsWith(`${scene.url}/`) && !/^(blob|data):/.test(url));
      assert.equal(foreign, []);
    } finally {
      await view.close();
    }
  };

  test("an empty table says how to store the first key, and the first key is stored here", async () => {
    await look("", async (view) => {
      await view.waitFor(".empty", "The table is empty");
      await view.waitFor(".empty .snippet", `npx dynakv set hello world --address ${scene.url}`);
      await view.press("n");
      await view.fill('dialog input[type="text"]', "hello");
      await view.fill("dialog textarea", "world");
      await view.click('dialog button[type="submit"]');
      await view.waitFor(".value.text", "world");
      await view.waitFor(rows, "hello");
      await view.waitFor(".notice", "Stored hello");
      assert.is(new TextDecoder().decode((await scene.client.keyspace("", passing).get("hello"))?.value), "world");
      await view.click(".notice button", "Undo");
      await view.waitFor(".notice", "As it was before: hello");
      assert.is(await scene.client.get("hello"), undefined);
      await view.waitFor('[data-state="absent"]', "It was deleted, or has expired");
    });
  });

  test("keys are listed by their prefix, filtered and sorted, and opened", async () => {
    await fillTable(scene.client);
    await look("", async (view) => {
      await view.waitFor(".scan-words", "42 keys");
      await view.waitFor(".scan-words", /\d read unit/);
      await view.fill(field, "user:");
      await view.press("Enter");
      await view.waitFor('.scan-words[data-state="done"]', "8 keys");
      assert.is(new URL(view.page.url()).hash, "#/keys?prefix=user%3A");
      await view.click(".grid-head button", "Key");
      await view.waitFor(`${rows}:first-child .key`, "user:niklaus");
      await view.fill(".filters input", "AL");
      await view.waitFor(".scan-words", "1 shown");
      assert.equal(await view.texts(`${rows} .key`), ["user:alan"]);
      await view.click(rows, "user:alan");
      await view.waitFor(".entry-key", "user:alan");
      await view.waitFor(".json-lines", /"name": "alan"/);
      assert.is(new URL(view.page.url()).hash, "#/keys?prefix=user%3A&key=user%3Aalan");
    });
  });

  test("a key is opened by itself, without a list, and by its link", async () => {
    await look("", async (view) => {
      await view.fill(field, "greeting");
      await view.page.keyboard.down("Control");
      await view.press("Enter");
      await view.page.keyboard.up("Control");
      await view.waitFor(".value.text", "hello, world");
    });
    await look(linkOf("greeting", "hex"), async (view) => {
      await view.waitFor(".value.hex", /68 65 6c 6c 6f/);
      await view.waitFor(".entry-facts", /13 bytes/);
      await view.waitFor(".entry-facts", /never/);
    });
  });

  test("JSON is folded and in colours, and its numbers stay what they are", async () => {
    await look(linkOf(orderKey), async (view) => {
      await view.waitFor(".json-number", "9007199254740993");
      await view.click(".fold[aria-label^='\"customer\"']");
      await view.waitFor(".json-count", "3 members");
      assert.not.match((await view.text(".json-lines")) ?? "", /Ada Lovelace/);
      await view.click('[role="tab"]', "Text");
      await view.waitFor(".value.text", '"price": 42.50');
      assert.match(view.page.url(), /form=text$/);
    });
  });

  test("an image is shown, of the dots that it has", async () => {
    await look(linkOf("image:logo"), async (view) => {
      await view.waitFor(".value.image", "image/png, 96 × 96");
    });
  });

  test("a task of Celery tells its result, its exception and its children", async () => {
    await look(linkOf(taskKey(taskId)), async (view) => {
      await view.waitFor(".celery-status", "SUCCESS");
      await view.waitFor(".celery-status", "billing.tasks.send_invoices");
      await view.waitFor(".celery-part", /"invoices": 42/);
      await view.click(".nodes a", childId);
      await view.waitFor(".entry-key", childId);
      await view.waitFor(".celery-part", "true");
    });
    await look(linkOf(taskKey(failedId)), async (view) => {
      await view.waitFor(".celery", "builtins.ConnectionError");
      await view.waitFor(".traceback", 'File "/app/billing/tasks.py", line 88');
    });
  });

  test("nothing that a key or a value holds becomes a part of the page", async () => {
    const key = `<img src=x onerror=alert(1)>\u202e"'\n`;
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>';
    await scene.client.set(key, utf8(svg));
    await scene.client.set("proto", utf8('{"__proto__":{"x":1},"constructor":null}'));
    await look(linkOf(key), async (view) => {
      await view.waitFor(".entry-key .mark", "U+202E");
      await view.waitFor(".value.text", "<script>alert(2)</script>");
      assert.match(await view.page.title(), `<img src=x onerror=alert(1)>U+202E"'LF`);
      assert.equal(await view.texts('[role="tab"]'), ["Text", "Hex"]);
      assert.is(await view.page.evaluate(() => document.querySelectorAll("main img, main script").length), 0);
      await view.click(".toolbar button", "Copy as");
      const [shell = ""] = await view.texts("dialog pre");
      assert.match(shell, /^npx dynakv get \$'/);
      assert.not.match(shell, /\u202e/);
    });
    await look(linkOf("proto"), async (view) => {
      await view.waitFor(".json-lines", /"__proto__": \{/);
    });
  });

  test("values that are empty, large, deep or no text are shown", async () => {
    const largest = utf8("x".repeat(390_000));
    await scene.client.set("empty", new Uint8Array());
    await scene.client.set("large", largest);
    await scene.client.set("deep", utf8(`${"[".repeat(10_000)}${"]".repeat(10_000)}`));
    await scene.client.set("binary", Uint8Array.of(0xff, 0xfe, 0));
    await scene.client.set(`long:${"k".repeat(2043)}`, utf8("v"));
    await look(linkOf("empty"), (view) => view.waitFor(".empty-value", "0 bytes"));
    await look(linkOf("binary"), async (view) => {
      await view.waitFor(".value.hex", "ff fe 00");
      assert.equal(await view.texts('[role="tab"]'), ["Hex"]);
    });
    await look(linkOf("large"), async (view) => {
      await view.waitFor(".more", "of 381 KB");
      await view.click(".more button");
      await view.page.waitForFunction(() => document.querySelector(".value.text")?.textContent?.length === 390_000);
    });
    await look(linkOf("deep"), async (view) => {
      await view.click(".json-tools button", "Unfold all");
      await view.waitFor(".json-lines", "[");
      await view.page.$eval(".json-lines", (lines) => lines.scrollTo(0, 4400));
      await view.waitFor(".json-line.indent-24", "[");
    });
    await look(linkOf(`long:${"k".repeat(2043)}`), (view) => view.waitFor(".value.text", "v"));
  });

  test("a change is stored, and taken back", async () => {
    const { etag } = await scene.client.set("note", utf8("one"), { expiry: { seconds: 3600 } });
    await look(linkOf("note"), async (view) => {
      await view.waitFor(".value.text", "one");
      await view.press("e");
      await view.fill("dialog textarea", "two");
      await view.click('dialog button[type="submit"]');
      await view.waitFor(".value.text", "two");
      const changed = await scene.client.get("note");
      assert.ok(changed?.expireTime !== undefined && changed.etag !== etag, "its expiry stays");
      await view.click(".notice button", "Undo");
      await view.waitFor(".value.text", "one");
      assert.equal((await scene.client.get("note"))?.expireTime, changed?.expireTime);
    });
  });

  test("what somebody else has changed meanwhile is not overwritten unseen", async () => {
    await scene.client.set("shared", utf8("one"));
    await look(linkOf("shared"), async (view) => {
      await view.waitFor(".value.text", "one");
      await view.press("e");
      await view.fill("dialog textarea", "mine");
      await scene.client.set("shared", utf8("theirs"));
      await view.click('dialog button[type="submit"]');
      await view.waitFor(".conflict", "Somebody else has changed it meanwhile");
      await view.waitFor(".conflict", "theirs");
      assert.is(await read("shared"), "theirs");
      await scene.client.set("shared", utf8("theirs again"));
      await view.click(".conflict button", "Replace theirs by mine");
      await view.waitFor(".conflict", "theirs again");
      assert.is(await read("shared"), "theirs again");
      await view.click(".conflict button", "Replace theirs by mine");
      await view.waitFor(".value.text", "mine");
      assert.is(await read("shared"), "mine");
      // Undo gives back what was replaced, unless somebody has written since.
      await scene.client.set("shared", utf8("later"));
      await view.click(".notice button", "Undo");
      await view.waitFor(".notice.bad", "It could not be undone");
      assert.is(await read("shared"), "later");
    });
  });

  test("an entry is deleted if it is still what was seen, and stored again by Undo", async () => {
    await scene.client.set("gone", utf8("here"));
    await look(linkOf("gone"), async (view) => {
      await view.waitFor(".value.text", "here");
      await scene.client.set("gone", utf8("here again"));
      await view.press("d");
      await view.click('dialog button[type="submit"]');
      await view.waitFor(".conflict", "here again");
      await view.click(".conflict button", "Delete theirs");
      await view.waitFor('[data-state="absent"]', "It was deleted");
      assert.is(await read("gone"), undefined);
      await view.click(".notice button", "Undo");
      await view.waitFor(".value.text", "here again");
      assert.is(await read("gone"), "here again");
    });
  });

  test("a counter is added to, set and taken back, past 2^53", async () => {
    await scene.client.setCounter("count", 9_007_199_254_740_993n);
    await look(linkOf("count"), async (view) => {
      await view.waitFor(".counter-value", "9,007,199,254,740,993");
      await view.press("i");
      await view.fill('dialog input[type="text"]', "2");
      await view.press("Enter");
      await view.waitFor(".counter-value", "9,007,199,254,740,995");
      await view.click(".notice button", "Undo");
      await view.waitFor(".counter-value", "9,007,199,254,740,993");
      await view.press("e");
      await view.fill('dialog input[inputmode="numeric"]', "-7");
      await view.press("Enter");
      await view.waitFor(".counter-value", "-7");
      await view.click(".notice:first-child button", "Undo");
      await view.waitFor(".counter-value", "9,007,199,254,740,993");
    });
  });

  test("an expiry is changed, counts down, and is taken back", async () => {
    await scene.client.set("soon", utf8("v"), { expiry: "never" });
    await look(linkOf("soon"), async (view) => {
      await view.waitFor(".entry-facts", "never");
      await view.press("x");
      await view.fill('dialog input[type="number"]', "2");
      await view.click('dialog button[type="submit"]');
      await view.waitFor(".entry-facts", /in 1 h 59 min/);
      await view.click(".notice button", "Undo");
      await view.waitFor(".entry-facts", "never");
    });
    let wasSeen = false;
    // On a busy machine it may have gone before the page is there.
    for (let seconds = 3; !wasSeen; seconds *= 4) {
      await scene.client.set("sooner", utf8("v"), { expiry: { seconds } });
      await look(linkOf("sooner"), async (view) => {
        await view.waitFor('.value.text, [data-state="absent"]', /./);
        wasSeen = (await view.text(".value.text")) !== undefined;
        await view.waitFor('[data-state="absent"]', wasSeen ? "It was deleted, or has expired" : /./);
      });
    }
  });

  test("a key that is watched shows what others make of it", async () => {
    await scene.client.set("watched", utf8("one"));
    await look(linkOf("watched"), async (view) => {
      await view.waitFor(".value.text", "one");
      await view.press("w");
      await view.waitFor(".watch", "No change so far");
      await scene.client.set("watched", utf8("two"));
      await view.waitFor(".value.text", "two");
      await view.waitFor(".watch", "1 change seen");
      await scene.client.delete("watched");
      await view.waitFor(".watch", "deleted or expired");
      await view.waitFor('[data-state="absent"]', "It was deleted");
    });
  });

  test("the keyboard alone finds, changes and deletes an entry", async () => {
    await scene.client.set("keyboard:1", utf8("first"));
    await scene.client.set("keyboard:2", utf8("second"));
    await look("", async (view) => {
      await view.waitFor(".scan-words", "keys");
      await view.press("/");
      await view.page.keyboard.type("keyboard:");
      await view.press("Enter");
      await view.waitFor('.scan-words[data-state="done"]', "2 keys");
      // By Tab to the list, wherever it is.
      for (let steps = 0; steps < 30; steps++) {
        await view.press("Tab");
        if (await view.page.evaluate(() => document.activeElement?.getAttribute("role") === "grid")) {
          break;
        }
      }
      await view.press("ArrowDown", "Enter");
      await view.waitFor(".value.text", "second");
      await view.press("e");
      await view.page.waitForFunction(() => document.activeElement?.tagName === "TEXTAREA");
      await view.page.keyboard.type(" thought");
      await view.press("Tab");
      for (let steps = 0; steps < 20; steps++) {
        if (await view.page.evaluate(() => document.activeElement?.textContent === "Store")) {
          break;
        }
        await view.press("Tab");
      }
      await view.press("Enter");
      await view.waitFor(".value.text", "second thought");
      assert.is(await read("keyboard:2"), "second thought");
      await view.waitForNone("dialog");
      await view.press("d");
      await view.page.waitForFunction(() => document.activeElement?.textContent === "Delete");
      await view.press("Enter");
      await view.waitFor('[data-state="absent"]', "It was deleted");
      assert.is(await read("keyboard:2"), undefined);
      await view.press("?");
      await view.waitFor("dialog", "Single keys do something");
      await view.press("Escape");
      await view.waitForNone("dialog");
    });
  });

  test("nothing bars anybody's way, in light and dark, wide and narrow", async () => {
    const views = ["", linkOf(orderKey), linkOf(taskKey(taskId)), linkOf(taskKey(failedId)), linkOf("stock:4711")];
    views.push(linkOf("blob:random"), linkOf("image:logo"), linkOf("nothing"), "#/server");
    const found: string[] = [];
    const examine = async (view: ConsolePage, what: string) => {
      found.push(...(await view.findBarriers()).map((barrier) => `${what}: ${barrier}`));
      const overhang = await view.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (overhang > 0) {
        found.push(`${what}: ${overhang} pixels too wide`);
      }
    };
    for (const width of [1280, 360]) {
      for (const isDark of [false, true]) {
        const how = `at ${width}, ${isDark ? "dark" : "light"}`;
        for (const hash of views) {
          await look(
            hash,
            async (view) => {
              await view.waitFor("main", /keys|Limits|Expires|holds nothing/);
              await view.waitForNone(".skeleton");
              await examine(view, `${hash} ${how}`);
            },
            { width, isDark },
          );
        }
        await look(
          linkOf(orderKey),
          async (view) => {
            for (const shortcut of ["?", "n", "e", "x", "d"]) {
              await view.waitFor(".json-lines", "paid");
              await view.press(shortcut);
              await view.waitFor("dialog", /./);
              await examine(view, `the dialog of ${shortcut} ${how}`);
              await view.press("Escape");
              await view.waitForNone("dialog");
            }
          },
          { width, isDark },
        );
      }
    }
    assert.equal(found, []);
  });

  test("the server tells what it is and what it does", async () => {
    await look("#/server", async (view) => {
      await view.waitFor(".card", /Health\s+serving/);
      await view.waitFor(".card", /Version\s+\d/);
      await view.waitFor(".card", "409,600 bytes");
      await scene.client.get("greeting");
      await view.waitFor(".charts", "Calls");
      await scene.client.set("load", utf8("v"));
      await view.page.waitForFunction(() =>
        document.querySelector(".charts svg")?.getAttribute("aria-label")?.includes("Set"),
      );
    });
  });

  async function read(key: string): Promise<string | undefined> {
    const entry = await scene.client.get(key, { consistency: "strong" });
    return entry?.kind === "value" ? new TextDecoder().decode(entry.value) : undefined;
  }

  test.run();
}

const passing = { decode: (bytes: Uint8Array) => bytes, encode: (bytes: Uint8Array) => bytes };
