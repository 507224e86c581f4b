import type { ResultError } from "../../../gen/dynakv/v1/error_pb.js";
import type { MGetResult, ScanResult } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { type Entry, type EntryMetadata, toEntry, toMetadata } from "../entry.js";

/** Kind of a result; undefined for one that is unknown to this version. */
export type ResultKind = "entry" | "missing" | "error" | undefined;

/** The results of one message of an MGet or a Scan, which are made into objects as they are asked for. */
export interface FoundResults {
  readonly length: number;
  /** The position in the request. A scan's results have none. */
  index(nth: number): number;
  key(nth: number): string;
  kind(nth: number): ResultKind;
  /** The entry of a result of that kind: its metadata, where no more was asked for. */
  entry(nth: number, key: string): Entry | EntryMetadata;
  /** The error of a result of that kind. */
  error(nth: number): ResultError;
}

/** Results that were decoded already. */
export function decodedResults(results: readonly (MGetResult | ScanResult)[], isMetadata = false): FoundResults {
  const at = (nth: number) => results[nth] as MGetResult | ScanResult;
  return {
    length: results.length,
    index(nth) {
      const result = at(nth);
      return "index" in result ? result.index : nth;
    },
    key: (nth) => at(nth).key,
    kind: (nth) => at(nth).result.case,
    entry(nth, key) {
      const { result } = at(nth);
      if (result.case !== "entry") {
        throw new TypeError("the result has no entry");
      }
      return (isMetadata ? toMetadata : toEntry)(key, result.value);
    },
    error(nth) {
      const { result } = at(nth);
      if (result.case !== "error") {
        throw new TypeError("the result has no error");
      }
      return result.value;
    },
  };
}
