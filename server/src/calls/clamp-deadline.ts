/** The longest that a timer of Node's runs, in milliseconds: 24 days. No setting allows a deadline that is as long. */
const maxTimerMs = 2 ** 31 - 1;

const unitsMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000 };

/**
 * Shortens a deadline that no timer can keep. Connect refuses it as too long, but sets the timer all the same, which Node warns
 * of on stderr: a line for each such call.
 */
export function clampDeadline(header: Headers): void {
  const [, digits, unit = ""] = /^(\d{1,8})([HMS])$/.exec(header.get("grpc-timeout") ?? "") ?? [];
  if (Number(digits) * (unitsMs[unit] ?? 0) > maxTimerMs) {
    header.set("grpc-timeout", `${Math.floor(maxTimerMs / 1000)}S`);
  }
  const ms = header.get("connect-timeout-ms") ?? "";
  if (/^\d{10}$/.test(ms) && Number(ms) > maxTimerMs) {
    header.set("connect-timeout-ms", String(maxTimerMs));
  }
}
