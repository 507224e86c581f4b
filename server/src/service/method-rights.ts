import type { DescMethod } from "@bufbuild/protobuf";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Right } from "./principal.js";

const { get, mGet, scan, set, mSet, incr, touch, delete: remove, mDelete } = KeyValueService.method;

/** The right that each method asks for the keys of its request. */
export const methodRights: ReadonlyMap<DescMethod, Right> = new Map<DescMethod, Right>([
  [get, "read"],
  [mGet, "read"],
  [scan, "read"],
  [set, "write"],
  [mSet, "write"],
  [incr, "write"],
  [touch, "write"],
  [remove, "delete"],
  [mDelete, "delete"],
]);
