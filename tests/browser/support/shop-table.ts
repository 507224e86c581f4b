import { deflateSync } from "node:zlib";
import type { DynakvClient, SetEntry } from "@dynakv/client";
import { taskKey } from "@dynakv/client/celery";

const utf8 = (text: string) => new TextEncoder().encode(text);
const json = (value: unknown) => utf8(JSON.stringify(value));

export const orderKey = "order:20261127-0042";
export const taskId = "3f0c9f5e-5c0e-4d0b-9f6e-1f2b7a6d4c11";
export const childId = "8a1d7c22-90a4-4f5f-a1f3-5f0f5f7d2e90";
export const failedId = "c2b4f0a8-2d17-44e2-8a63-0d9f3a5b7e52";

/** What a table of a shop may hold, for tests of the console and for its pictures. */
export async function fillTable(client: DynakvClient): Promise<void> {
  const hour = { seconds: 3600 };
  const sessions = Array.from(
    { length: 24 },
    (_, index): SetEntry => ({
      key: `session:${((0x9e3779b1 * (index + 1)) >>> 0).toString(16).padStart(8, "0")}`,
      value: json({ user: 1000 + index, locale: index % 3 === 0 ? "de" : "en", cart: [] }),
      expiry: { seconds: 900 + index * 137 },
    }),
  );
  const users = ["ada", "alan", "barbara", "edsger", "grace", "katherine", "margaret", "niklaus"].map(
    (name, index): SetEntry => ({ key: `user:${name}`, value: json({ name, visits: index * 7 }), expiry: "never" }),
  );
  const stored: SetEntry[] = [
    { key: orderKey, value: utf8(order), expiry: { seconds: 86_400 * 30 } },
    { key: "greeting", value: utf8("hello, world\n"), expiry: "never" },
    { key: "image:logo", value: picture(), expiry: "never" },
    { key: "config:flags", value: json({ newCheckout: true, maxItems: 40, regions: ["eu", "us"] }), expiry: "never" },
    { key: "blob:random", value: Uint8Array.from({ length: 600 }, (_, index) => (index * 7919) % 251), expiry: hour },
    { key: taskKey(taskId), value: json(task), expiry: hour },
    { key: taskKey(childId), value: json({ ...task, result: true, children: [] }), expiry: hour },
    { key: taskKey(failedId), value: json(failedTask), expiry: hour },
  ];
  for await (const { error } of client.mset([...sessions, ...users, ...stored])) {
    if (error !== undefined) {
      throw error;
    }
  }
  await client.incr("visits:2026-11-28", { delta: 48_213n });
  await client.incr("stock:4711", { delta: 9_007_199_254_740_993n });
}

/** With an integer past 2^53, which has to stay what it is. */
const order = `{
  "id": 9007199254740993,
  "status": "paid",
  "customer": {"name": "Ada Lovelace", "email": "ada@example.com", "vip": true},
  "items": [
    {"sku": "ENG-1843", "title": "Notes on the Analytical Engine", "quantity": 1, "price": 42.50},
    {"sku": "LOOM-7", "title": "Punched cards, box of 500", "quantity": 2, "price": 18.00}
  ],
  "total": 78.50,
  "currency": "GBP",
  "shippedAt": null
}`;

const task = {
  status: "SUCCESS",
  result: { invoices: 42, total: "1310.50", skipped: [] },
  traceback: null,
  children: [[[childId, null], null]],
  date_done: "2026-11-28T06:12:31.204113+00:00",
  name: "billing.tasks.send_invoices",
  args: [2026, 11],
  kwargs: { dry_run: false },
  worker: "celery@worker-7",
  retries: 1,
  queue: "billing",
};

const failedTask = {
  ...task,
  status: "FAILURE",
  result: {
    exc_type: "ConnectionError",
    exc_message: ["smtp.example.com: connection refused"],
    exc_module: "builtins",
  },
  traceback:
    'Traceback (most recent call last):\n  File "/app/billing/tasks.py", line 88, in send_invoices\n    smtp.send(message)\nConnectionError: smtp.example.com: connection refused\n',
  children: [],
};

/** A PNG of 96 by 96 dots in the colours of a sunset. */
function picture(): Uint8Array {
  const size = 96;
  const rows = Buffer.concat(
    Array.from({ length: size }, (_, y) => {
      const dots = Array.from({ length: size }, (_, x) => {
        const isSun = (x - 48) ** 2 + (y - 52) ** 2 < 24 ** 2 && y < 62;
        return isSun ? [255, 214, 102] : [40 + y * 2, 60 + y, 150 - y];
      });
      return Buffer.from([0, ...dots.flat()]);
    }),
  );
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const start = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([start, chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}
