import type { DynakvClient, SetEntry } from "@dynakv/client";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { print } from "../../tools/print.js";
import { type ConsolePage, type ConsoleScene, startConsoleScene } from "./support/console-scene.js";
import { browsersHere } from "./support/find-browsers.js";

const keyCount = 100_000;
const scrollMs = 5000;

// Other browsers do not tell their memory.
for (const name of browsersHere().filter((name) => name === "chromium")) {
  const test = suite(`100,000 keys in the console in ${name}`);
  let scene: ConsoleScene;

  test.before(async () => {
    scene = await startConsoleScene(name);
    await fill(scene.client);
  });
  test.after(() => scene.stop());

  test("they are found, sorted and scrolled, of which only those exist that are seen", async () => {
    const view = await scene.open();
    await view.waitFor(".scan-words[data-state=paused]", /^100,\d+ keys/);
    await view.waitFor(".hint", "The server reads no further until you go on");
    await view.click(".scan-actions button", "Go on");
    await view.waitFor(".scan-words[data-state=done]", `${(keyCount + 1).toLocaleString("en-GB")} keys`);
    await view.waitFor(".virtual-rows .grid-row:first-child .key", "key:000000");
    const { frames, longestMs, highestRows } = await scroll(view);
    assert.ok(highestRows < 150, `${highestRows} rows exist at once`);
    await view.page.$eval(".grid", (grid) => grid.scrollTo(0, grid.scrollHeight));
    await view.waitFor(".virtual-rows .grid-row .key", "last");
    await view.fill(".filters input", "99999");
    await view.waitFor(".scan-words", "1 shown");
    const { JSHeapUsedSize = 0 } = await view.page.metrics();
    const megabytes = JSHeapUsedSize / 2 ** 20;
    print(
      `${((frames * 1000) / scrollMs).toFixed(0)} frames a second, the longest ${longestMs.toFixed(0)} ms; ${megabytes.toFixed(0)} MB of heap`,
    );
    assert.ok(megabytes < 300, `${megabytes} MB`);
    await view.click(".scan-actions button", "Read again");
    await view.click(".scan-actions button", "Stop");
    await view.waitFor(".hint", "Stopped before the end: there may be more keys");
    assert.equal(await view.problems(), []);
    await view.close();
  });

  test.run();
}

/** Scrolls through all of them, by a hundred rows a frame, and tells how it went. What it takes is told, and held to nothing. */
function scroll(view: ConsolePage): Promise<{ frames: number; longestMs: number; highestRows: number }> {
  return view.page.evaluate(async (scrollMs) => {
    const grid = document.querySelector(".grid") as HTMLElement;
    const startedAt = performance.now();
    let last = startedAt;
    let frames = 0;
    let longestMs = 0;
    let highestRows = 0;
    while (last - startedAt < scrollMs) {
      grid.scrollTop = (grid.scrollTop + 3400) % (grid.scrollHeight - grid.clientHeight);
      const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
      longestMs = Math.max(longestMs, now - last);
      highestRows = Math.max(highestRows, grid.querySelectorAll(".virtual-rows > *").length);
      last = now;
      frames++;
    }
    return { frames, longestMs, highestRows };
  }, scrollMs);
}

async function fill(client: DynakvClient): Promise<void> {
  const value = new Uint8Array(100);
  function* entries(): Generator<SetEntry> {
    for (let index = 0; index < keyCount; index++) {
      yield { key: `key:${index.toString().padStart(6, "0")}`, value };
    }
    yield { key: "last", value };
  }
  for await (const { error } of client.mset(entries(), { idempotent: true })) {
    if (error !== undefined) {
      throw error;
    }
  }
}
