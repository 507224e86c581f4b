import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import { startEmbeddedEngine } from "../../server/src/embedded/embedded-engine.js";
import { createTable } from "../../server/test/support/engine.js";
import { fillTable } from "../../server/test/support/fill-table.js";
import { suite } from "../../server/test/support/suite.js";
import { print } from "../../tools/print.js";
import { type ConsolePage, type ConsoleScene, startConsoleScene } from "./support/console-scene.js";
import { browsersHere } from "./support/find-browsers.js";

const keyCount = 100_000;
const scrollMs = 5000;
const table = "scale";

// Other browsers do not tell their memory.
for (const name of browsersHere().filter((name) => name === "chromium")) {
  const test = suite(`100,000 keys in the console in ${name}`);
  let data: string;
  let scene: ConsoleScene;

  test.before(async () => {
    data = await mkdtemp(join(tmpdir(), "dynakv-console-"));
    await fill(data);
    scene = await startConsoleScene(name, { data, table });
  });
  test.after(async () => {
    await scene.stop();
    await rm(data, { recursive: true });
  });

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
    await view.page.evaluate(stopAtOnce);
    await view.waitFor(".hint", "Stopped before the end: there may be more keys");
    assert.equal(await view.problems(), []);
    await view.close();
  });

  test.run();
}

/** Runs in the page: has all read again, and stops that as soon as it can be, before a busy machine has come to the end of it. */
async function stopAtOnce(): Promise<void> {
  const find = (label: string) =>
    [...document.querySelectorAll<HTMLElement>(".scan-actions button")].find(({ innerText }) =>
      innerText.includes(label),
    );
  find("Read again")?.click();
  for (let stop = find("Stop"); ; stop = find("Stop")) {
    if (stop !== undefined) {
      stop.click();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
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

/** Writes the table past any server, many items a request: by one Set each it would take most of a minute. */
async function fill(data: string): Promise<void> {
  const { endpoint, region, credentials, stop } = await startEmbeddedEngine({ data });
  const client = new DynamoDBClient({ endpoint, region, credentials });
  const engine = { endpoint, region, ...credentials, client, stop };
  try {
    await createTable(engine, table);
    const keys = Array.from({ length: keyCount }, (_, index) => `key:${index.toString().padStart(6, "0")}`);
    await fillTable({ engine, table }, [...keys, "last"], () => "v".repeat(100));
  } finally {
    client.destroy();
    await stop();
  }
}
