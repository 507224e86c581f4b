import type { DescService } from "@bufbuild/protobuf";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import { reflectionServices } from "./reflection.js";

/** The name of a service, a method or a file, and some more. */
const maxNameBytes = 4096;
const takingNames = new Set<DescService | undefined>([Health, ...reflectionServices]);

/** The largest request message of a service. Some are there for those whom nobody knows, too, and they shall not fill the memory. */
export function maxBytesOf(service: DescService | undefined, maxRequestBytes: number): number {
  return takingNames.has(service) ? Math.min(maxNameBytes, maxRequestBytes) : maxRequestBytes;
}
