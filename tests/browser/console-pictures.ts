/**
 * Makes the pictures of docs/console.md, in Chromium.
 *
 *     npm run docs:pictures
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { DynakvClient } from "@dynakv/client";
import { taskKey } from "@dynakv/client/celery";
import { root } from "../../tools/root.js";
import { type OpenOptions, startConsoleScene } from "./support/console-scene.js";
import { failedId, fillTable, orderKey } from "./support/shop-table.js";

const folder = join(root, "docs", "images");
const secondsOfLoad = 125;
const linkOf = (key: string) => `#/keys?key=${encodeURIComponent(key)}`;

async function main(): Promise<void> {
  await mkdir(folder, { recursive: true });
  const scene = await startConsoleScene("chromium");
  const take = async (name: string, hash: string, selector: string, text: string, options: OpenOptions = {}) => {
    const view = await scene.open(hash, options);
    await view.waitFor(selector, text);
    await view.waitFor(hash.includes("server") ? ".card" : ".scan-words", /serving|keys/);
    await view.page.screenshot({ path: join(folder, `${name}.png`), optimizeForSpeed: false });
    await view.close();
  };
  try {
    await fillTable(scene.client);
    await take("console", linkOf(orderKey), ".json-lines", "paid");
    await take("console-celery", linkOf(taskKey(failedId)), ".traceback", "smtp", { isDark: true });
    await take("console-narrow", linkOf(orderKey), ".json-lines", "paid", { width: 360, height: 640 });
    // Two minutes of calls, as long as the charts are wide.
    const view = await scene.open("#/server", { height: 720 });
    await call(scene.client);
    await view.page.screenshot({ path: join(folder, "console-server.png") });
    await view.close();
  } finally {
    await scene.stop();
  }
}

async function call(client: DynakvClient): Promise<void> {
  const endAt = performance.now() + secondsOfLoad * 1000;
  for (let turn = 0; performance.now() < endAt; turn++) {
    const wave = 1 + Math.sin(turn / 90);
    await Promise.all([
      ...Array.from({ length: Math.ceil(2 * wave) }, (_, index) =>
        client.get(`user:${index}`, { headers: { turn: "x" } }),
      ),
      client.set(`load:${turn % 40}`, new Uint8Array(200)),
      ...(turn % 3 === 0 ? [client.incr("visits:2026-11-28")] : []),
      ...(turn % 300 < 12 ? [client.set("greeting", new Uint8Array(), { ifAbsent: true }).catch(() => {})] : []),
    ]);
    await sleep(20 + 15 * wave);
  }
}

await main();
