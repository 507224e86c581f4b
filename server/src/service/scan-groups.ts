import { create } from "@bufbuild/protobuf";
import { type ScanResponse, ScanResponseSchema, type ScanResult } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { ScanPage } from "../store/reads/scan-table.js";
import { toScanResult } from "./messages.js";
import { maxResults, maxValueBytes, sizeOf } from "./result-groups.js";

/** Puts what was scanned into messages, each with its cursor, and waits for the reader between messages. */
export async function* groupScanned(
  pages: AsyncIterable<ScanPage>,
  toCursor: (key: string) => string,
): AsyncGenerator<ScanResponse> {
  for await (const { keys, last } of pages) {
    let results: ScanResult[] = [];
    let bytes = 0;
    for (const scanned of keys) {
      if (results.length >= maxResults || bytes >= maxValueBytes) {
        yield create(ScanResponseSchema, { results, cursor: toCursor(results.at(-1)?.key ?? last) });
        results = [];
        bytes = 0;
      }
      results.push(toScanResult(scanned));
      bytes += sizeOf(scanned);
    }
    // Also when nothing is left: what was seen need not be read again.
    yield create(ScanResponseSchema, { results, cursor: toCursor(last) });
  }
}
