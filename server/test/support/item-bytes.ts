import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { numberBytes } from "../../src/store/layout/item-size.js";

/** The bytes of an item as DynamoDB counts them (Developer Guide, "DynamoDB item sizes and formats"). */
export function itemBytes(item: Record<string, AttributeValue>): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + attributeBytes(value), 0);
}

/** What a write of an item of this size costs on demand. */
export function writeUnits(bytes: number): number {
  return Math.ceil(bytes / 1024);
}

function attributeBytes(value: AttributeValue): number {
  if (value.S !== undefined) {
    return Buffer.byteLength(value.S);
  }
  if (value.N !== undefined) {
    return numberBytes(value.N);
  }
  if (value.B !== undefined) {
    return value.B.length;
  }
  if (value.BS !== undefined) {
    return value.BS.reduce((sum, each) => sum + each.length, 0);
  }
  if (value.M !== undefined) {
    // Three bytes for the map, and one for each of its entries.
    return 3 + itemBytes(value.M) + Object.keys(value.M).length;
  }
  throw new Error("an attribute of another type");
}
