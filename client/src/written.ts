import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { SetResponse } from "../../gen/dynakv/v1/key_value_service_pb.js";
import type { Written } from "./operations.js";

/** Converts the response of a Set. */
export function toWritten({ etag, writeTime, expireTime }: SetResponse): Written {
  return {
    etag,
    writeTime: writeTime === undefined ? new Date() : timestampDate(writeTime),
    expireTime: expireTime && timestampDate(expireTime),
  };
}
