import type { GetResponse } from "../../../gen/dynakv/v1/key_value_service_pb.js";

/** The value of an entry that must be there and must hold one. */
export function bytesAt({ entry }: GetResponse): Uint8Array {
  if (entry?.data.case !== "value") {
    throw new Error(`the key holds ${entry === undefined ? "nothing" : `a ${entry.data.case}`}, not a value`);
  }
  return entry.data.value;
}
