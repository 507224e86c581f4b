import type { Consistency } from "../../../gen/dynakv/v1/entry_pb.js";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Call, CallRunner } from "../call.js";
import { type FoundPage, scanMetadataReader, scanReader } from "../results/result-reader.js";
import { pauseAfter } from "../retries.js";
import { sleep } from "../sleep.js";

export interface ScanRequestOptions {
  readonly prefix: string;
  readonly cursor: string;
  readonly consistency: Consistency;
  readonly keysOnly: boolean;
}

/** The messages of a scan. When a stream breaks, another goes on after the last message. */
export async function* readPages(
  { pauses }: Pick<CallRunner, "pauses">,
  call: Call,
  { cursor, ...request }: ScanRequestOptions,
): AsyncGenerator<FoundPage> {
  const method = KeyValueService.method.scan;
  const reader = request.keysOnly ? scanMetadataReader : scanReader;
  let after = cursor;
  for (let attempt = 1; ; attempt++) {
    try {
      for await (const message of call.results(method, { ...request, cursor: after }, reader)) {
        after = message.cursor;
        attempt = 1;
        yield message;
      }
      return;
    } catch (cause) {
      await sleep(pauseAfter(cause, { call, method, attempt, pauses }), call.signal);
    }
  }
}
