import * as assert from "uvu/assert";
import { Consistency } from "../../../gen/dynakv/v1/entry_pb.js";
import type { KeyValueClient } from "../../../server/test/support/test-server.js";

/** A line of a file that is exported or imported. */
export interface Line {
  key: string;
  value?: string;
  counter?: string;
  writeTime?: string;
  expireTime?: string;
  error?: { reason: string };
}

/** The lines of a file that is whole. */
export function parseLines(text: string): Line[] {
  assert.ok(text === "" || text.endsWith("\n"));
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** What was stored, in the order of the keys, without when it was. */
export const contents = (lines: readonly Line[]) =>
  lines.map(({ writeTime: _, ...line }) => line).sort((a, b) => (a.key < b.key ? -1 : 1));

export const valueLine = (key: string, value: string, more: object = {}) =>
  ({ key, value: Buffer.from(value).toString("base64"), ...more }) satisfies Line;
export const toText = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join("");

/** What a table holds, as lines. */
export async function readTable(client: KeyValueClient, prefix: string): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const { results } of client.scan({ prefix, consistency: Consistency.STRONG })) {
    for (const { key, result } of results) {
      const data = result.case === "entry" ? result.value.data : undefined;
      const expiry = result.case === "entry" ? result.value.expireTime : undefined;
      const expireTime = expiry && {
        expireTime: new Date(Number(expiry.seconds) * 1000 + expiry.nanos / 1e6).toISOString(),
      };
      lines.push(
        data?.case === "counter"
          ? { key, counter: data.value.toString(), ...expireTime }
          : { key, value: Buffer.from(data?.value ?? []).toString("base64"), ...expireTime },
      );
    }
  }
  return contents(lines);
}
