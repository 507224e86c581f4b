import { ScanCommand } from "@aws-sdk/client-dynamodb";
import type { Item } from "../store/dynamodb/item.js";
import type { ItemLayout } from "../store/layout/item-layout.js";
import { isArchiveKey } from "../store/layout/request-archive.js";
import type { Check } from "./check.js";
import { ok, skipped, warning } from "./finding.js";

const sampleSize = 25;

/** Samples the table's items. Reports neither keys nor values. */
export const checkItems: Check = async ({ connection, layout, signal, clock, known }) => {
  const subject = "items";
  if (known.unusable !== undefined || known.table === undefined) {
    return [skipped(subject, known.unusable ?? "the table is not there, or not known")];
  }
  let items: Item[];
  try {
    const command = new ScanCommand({ TableName: layout.names.table, Limit: sampleSize });
    const { Items = [] } = await connection.client.send(command, { abortSignal: signal });
    items = Items.filter((item) => !isArchiveKey(layout.keyOf(item)));
  } catch {
    signal.throwIfAborted();
    return [skipped(subject, "the table cannot be scanned (dynamodb:Scan)")];
  }
  if (items.length === 0) {
    return [ok(subject, "no entries in a sample of the table")];
  }
  const kinds = items.map((item) => kindOf(layout, item, clock()));
  const count = (kind: ItemKind) => kinds.filter((each) => each === kind).length;
  const detail = `of ${items.length} sampled: ${itemKinds
    .filter((kind) => count(kind) > 0)
    .map((kind) => `${count(kind)} ${kind}`)
    .join(", ")}`;
  if (count("of another shape") > 0) {
    return [
      warning(
        subject,
        detail,
        "another program writes to this table, or the names of its attributes (valueAttribute, counterAttribute) are not those of the settings",
      ),
    ];
  }
  return [ok(subject, detail)];
};

const itemKinds = ["values", "counters", "expired", "of deleted counters", "of another shape"] as const;
type ItemKind = (typeof itemKinds)[number];

function kindOf(layout: ItemLayout, item: Item, now: number): ItemKind {
  const expireAtMs = layout.expireAtMs(item);
  if (expireAtMs !== undefined && expireAtMs <= now) {
    return "expired";
  }
  try {
    const entry = layout.decode(item, now);
    return entry === undefined ? "of deleted counters" : entry.data.kind === "value" ? "values" : "counters";
  } catch {
    return "of another shape";
  }
}
