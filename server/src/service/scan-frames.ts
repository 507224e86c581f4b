import { toBinary } from "@bufbuild/protobuf";
import { ScanResultSchema } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { ScanPage } from "../store/reads/scan-table.js";
import { type ResultFields, type ResultSource, writeFrames } from "./entry-frames.js";
import { toScanResult } from "./messages.js";

/** The numbers of ScanResult's fields. */
const fields: ResultFields = { key: 1, entry: 2 };

/**
 * Puts what was scanned into messages of ScanResponse, each with its cursor and in its envelope, and waits for the reader between
 * them. Of a page there is at least one: what was seen need not be read again.
 */
export async function* frameScanned(
  pages: AsyncIterable<ScanPage>,
  toCursor: (key: string) => string,
  isMetadataOnly = false,
): AsyncGenerator<Buffer> {
  for await (const page of pages) {
    const source: ResultSource = {
      length: page.length,
      body: page.body,
      // A view that is written includes the data.
      view: (nth, view) => !isMetadataOnly && page.view(nth, view),
      key: (nth) => page.key(nth),
      encode(nth) {
        const found = page.found(nth);
        return found && toBinary(ScanResultSchema, toScanResult({ key: page.key(nth), found }, isMetadataOnly));
      },
      cursor: (end) => toCursor(end === page.length ? page.last : page.key(end - 1)),
    };
    yield* writeFrames(source, fields);
  }
}
