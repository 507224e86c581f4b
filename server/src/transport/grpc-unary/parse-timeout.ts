/** The units of `grpc-timeout`, in milliseconds. */
const unitsMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** The deadline that a `grpc-timeout` header tells, in milliseconds: undefined without one, NaN for one that is malformed. */
export function parseTimeout(header: string | undefined): number | undefined {
  if (header === undefined) {
    return undefined;
  }
  const unit = unitsMs[header.slice(-1)];
  const digits = header.slice(0, -1);
  // At most eight digits, says gRPC over HTTP/2.
  return unit !== undefined && /^\d{1,8}$/.test(digits) ? Number(digits) * unit : Number.NaN;
}
