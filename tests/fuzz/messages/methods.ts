import type { DescMethod } from "@bufbuild/protobuf";
import { InfoService } from "../../../gen/dynakv/v1/info_service_pb.js";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import { ServerReflection } from "../../../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "../../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import type { Random } from "../../../server/test/support/random.js";

const keyValueMethods: readonly DescMethod[] = KeyValueService.methods;
const otherMethods: readonly DescMethod[] = [
  ...InfoService.methods,
  ...Health.methods,
  ...ServerReflection.methods,
  ...ServerReflectionAlpha.methods,
];

/** A method that the server has, more often one of KeyValueService. */
export function drawMethod(random: Random): DescMethod {
  return random.pick(random.chance(0.85) ? keyValueMethods : otherMethods);
}

export function drawKeyValueMethod(random: Random): DescMethod {
  return random.pick(keyValueMethods);
}
