import { toBinary } from "@bufbuild/protobuf";
import { MGetResultSchema } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { ResultGroup } from "../store/reads/result-group.js";
import { type ResultFields, type ResultSource, writeFrames } from "./entry-frames.js";
import { toResult } from "./messages.js";

/** The numbers of MGetResult's fields. */
const fields: ResultFields = { key: 2, entry: 3, missing: 4 };

/** Puts results into messages of MGetResponse, many to one, each in its envelope, and waits for the reader between them. */
export async function* frameResults(
  groups: AsyncIterable<ResultGroup>,
  isMetadataOnly = false,
): AsyncGenerator<Buffer> {
  for await (const group of groups) {
    const source: ResultSource = {
      length: group.length,
      body: group.body,
      index: (nth) => group.index(nth),
      // A view that is written includes the data.
      view: (nth, view) => !isMetadataOnly && group.view(nth, view),
      key: (nth) => group.key(nth),
      encode: (nth) =>
        toBinary(
          MGetResultSchema,
          toResult({ index: group.index(nth), key: group.key(nth), found: group.found(nth) }, isMetadataOnly),
        ),
    };
    yield* writeFrames(source, fields);
  }
}
