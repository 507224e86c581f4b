import { randomBytes } from "node:crypto";

/** A UUID of version 7, as an increment's request id must be. */
export function createRequestId(timeMs: number): string {
  const time = timeMs.toString(16).padStart(12, "0");
  const random = randomBytes(10).toString("hex");
  const hex = `${time}7${random.slice(0, 3)}8${random.slice(3, 18)}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
