import { create } from "@bufbuild/protobuf";
import { type MGetResponse, MGetResponseSchema, type MGetResult } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { ReadResult } from "../store/reads/result-order.js";
import { toResult } from "./messages.js";

/** A message ends at this many results, or once it holds this many bytes of values: gRPC clients take 4 MiB by default. */
export const maxResults = 200;
export const maxValueBytes = 1024 * 1024;

/** Puts results into messages, many to one, and waits for the reader between messages. */
export async function* groupResults(batches: AsyncIterable<ReadResult[]>): AsyncGenerator<MGetResponse> {
  for await (const batch of batches) {
    let results: MGetResult[] = [];
    let bytes = 0;
    for (const result of batch) {
      results.push(toResult(result));
      bytes += sizeOf(result);
      if (results.length >= maxResults || bytes >= maxValueBytes) {
        yield create(MGetResponseSchema, { results });
        results = [];
        bytes = 0;
      }
    }
    if (results.length > 0) {
      yield create(MGetResponseSchema, { results });
    }
  }
}

/** Roughly, the bytes that a result takes in a message. */
export function sizeOf({ key, found }: Pick<ReadResult, "key" | "found">): number {
  const value = found !== undefined && "data" in found && found.data.kind === "value" ? found.data.value.length : 0;
  return key.length + value;
}
