const whole = new Intl.NumberFormat("en-GB");
const short = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });

/** `1,234 bytes`. */
export function bytesExactly(bytes: number): string {
  return `${whole.format(bytes)} ${bytes === 1 ? "byte" : "bytes"}`;
}

/** `1.21 KB`, in 1,024s as DynamoDB counts. */
export function bytesShortly(bytes: number): string {
  const units = ["B", "KB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${short.format(value)} ${units[unit]}`;
}

/** `1,234`. */
export function count(value: number): string {
  return whole.format(value);
}

/** `1,234 keys`, `1 key`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${whole.format(value)} ${value === 1 ? noun : plural}`;
}
