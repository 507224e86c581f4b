import type { Settings } from "./settings.js";

/** Without any word about a backend, the embedded engine serves. */
export function isEmbedded(settings: Pick<Settings, "backend" | "endpoint" | "region" | "accessKeyId">): boolean {
  const { backend, endpoint, region, accessKeyId } = settings;
  return [backend, endpoint, region, accessKeyId].every((setting) => setting === undefined);
}
