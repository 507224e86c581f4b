import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Item } from "./item.js";

/** An attribute as DynamoDB's JSON has it: the same, but for bytes, which are base64, or a place in a list of their own. */
interface JsonAttribute {
  B?: string | number;
  BS?: string[];
  L?: JsonAttribute[];
  M?: JsonItem;
}

/** An item, as JSON.parse makes it of an answer and JSON.stringify takes it for a request. */
export type JsonItem = Record<string, JsonAttribute>;

/** An item for a request. Only attributes with bytes in them are copied. */
export function toJsonItem(item: Item): JsonItem {
  const json: JsonItem = {};
  for (const name in item) {
    json[name] = toJsonAttribute(item[name] as AttributeValue);
  }
  return json;
}

function toJsonAttribute(attribute: AttributeValue): JsonAttribute {
  if (attribute.B !== undefined) {
    return { B: toBase64(attribute.B) };
  }
  if (attribute.M !== undefined) {
    return { M: toJsonItem(attribute.M) };
  }
  if (attribute.L !== undefined) {
    return { L: attribute.L.map(toJsonAttribute) };
  }
  if (attribute.BS !== undefined) {
    return { BS: attribute.BS.map(toBase64) };
  }
  return attribute as JsonAttribute;
}

/** The item in an answer whose bytes were taken out. The one that was parsed is changed into it: nobody else has it. */
export function fromJsonItem(json: JsonItem, bytes: readonly Uint8Array[]): Item {
  for (const name in json) {
    changeBytes(json[name] as JsonAttribute, bytes);
  }
  return json as unknown as Item;
}

function changeBytes(attribute: JsonAttribute, bytes: readonly Uint8Array[]): void {
  const changed = attribute as unknown as { B?: Uint8Array | undefined; BS?: Uint8Array[] };
  if (attribute.B !== undefined) {
    changed.B = typeof attribute.B === "number" ? bytes[attribute.B] : Buffer.from(attribute.B, "base64");
  } else if (attribute.M !== undefined) {
    fromJsonItem(attribute.M, bytes);
  } else if (attribute.L !== undefined) {
    for (const each of attribute.L) {
      changeBytes(each, bytes);
    }
  } else if (attribute.BS !== undefined) {
    changed.BS = attribute.BS.map((text) => Buffer.from(text, "base64"));
  }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
