import { scratchFolderOf } from "../../../tools/cache.js";
import { type GoProgram, type PythonPackages, pinnedVersion } from "../../../tools/install-from.js";

/** Where logs lie, and what is generated from our schema. */
export const scratchFolder = scratchFolderOf("dynakv-interop");

export const grpcurl: GoProgram = {
  name: "grpcurl",
  version: "1.9.4",
  package: "github.com/fullstorydev/grpcurl/cmd/grpcurl",
};
export const ghz: GoProgram = { name: "ghz", version: "0.121.0", package: "github.com/bojand/ghz/cmd/ghz" };
export const healthProbe: GoProgram = {
  name: "grpc-health-probe",
  version: "0.4.61",
  package: "github.com/grpc-ecosystem/grpc-health-probe",
};
export const celery: PythonPackages = { name: "celery", list: "tests/interop/tools/celery.txt" };
export const grpcio: PythonPackages = { name: "grpcio", list: "tests/interop/tools/grpcio.txt" };

export function titleOf(tool: GoProgram | PythonPackages): string {
  return `${tool.name} ${"list" in tool ? pinnedVersion(tool) : tool.version}`;
}
