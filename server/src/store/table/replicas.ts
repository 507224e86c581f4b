import type { TableDescription } from "@aws-sdk/client-dynamodb";

/** That a table is a global one, and what this means for those who write to it. */
export interface Replicas {
  /** Description, such as `replicas in eu-west-1 and us-west-2, eventually consistent`. */
  readonly found: string;
  /** Guarantees lost across its regions; undefined when none is. */
  readonly limits: string | undefined;
}

/** Undefined for a table that is in one region only. */
export function describeReplicas({ Replicas = [], MultiRegionConsistency }: TableDescription): Replicas | undefined {
  const regions = Replicas.flatMap(({ RegionName }) => RegionName ?? []);
  if (regions.length === 0) {
    return undefined;
  }
  const isStrong = MultiRegionConsistency === "STRONG";
  return {
    found: `replicas in ${regions.join(", ")}, ${isStrong ? "strongly" : "eventually"} consistent`,
    limits: isStrong
      ? undefined
      : "the last writer wins across regions, so that counters, conditions and what counts once hold within one region only",
  };
}
