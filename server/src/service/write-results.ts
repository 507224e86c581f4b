import { create } from "@bufbuild/protobuf";
import type { Entry } from "../../../gen/dynakv/v1/entry_pb.js";
import {
  type DeleteResponse,
  type MDeleteResponse,
  MDeleteResponseSchema,
  type MDeleteResult,
  MDeleteResultSchema,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { DynakvError } from "../errors/dynakv-error.js";
import type { WriteResult } from "../store/writes/write-many.js";
import { maxResults, maxValueBytes } from "./message-limits.js";
import { toResultError } from "./messages.js";

/** Puts the results of an MDelete into messages, many to one. */
export async function* groupDeleted(
  keys: readonly string[],
  groups: AsyncIterable<WriteResult<DeleteResponse>[]>,
): AsyncGenerator<MDeleteResponse> {
  for await (const results of inMessages(groups, deletedBytes)) {
    yield create(MDeleteResponseSchema, {
      results: results.map(
        ({ index, written }): MDeleteResult =>
          create(MDeleteResultSchema, { index, key: keys[index] as string, result: toCase("deleted", written) }),
      ),
    });
  }
}

/** The result of a position as protobuf has it. */
export function toCase<Case extends string, Written>(name: Case, written: Written | DynakvError) {
  return written instanceof DynakvError
    ? ({ case: "error", value: toResultError(written) } as const)
    : { case: name, value: written };
}

export function deletedBytes({ entry }: DeleteResponse): number {
  return valueBytes(entry);
}

function valueBytes(entry: Entry | undefined): number {
  return entry?.data.case === "value" ? entry.data.value.length : 0;
}

/** Cuts results into those of one message each. */
export async function* inMessages<T>(
  groups: AsyncIterable<WriteResult<T>[]>,
  bytesOf: (result: T) => number,
): AsyncGenerator<WriteResult<T>[]> {
  for await (const group of groups) {
    let results: WriteResult<T>[] = [];
    let bytes = 0;
    for (const result of group) {
      results.push(result);
      bytes += result.written instanceof DynakvError ? 0 : bytesOf(result.written);
      if (results.length >= maxResults || bytes >= maxValueBytes) {
        yield results;
        results = [];
        bytes = 0;
      }
    }
    if (results.length > 0) {
      yield results;
    }
  }
}
