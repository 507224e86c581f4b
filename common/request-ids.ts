/**
 * A fresh id for an increment, which makes it safe to repeat, by anybody and through any server, within the server's window.
 * A UUID of version 7: the milliseconds since 1970, and 74 random bits.
 */
export function createRequestId(timeMs = Date.now()): string {
  const [random = 0] = crypto.getRandomValues(new Uint16Array(1));
  return formatRequestId((BigInt(Math.floor(timeMs)) << 12n) | BigInt(random & 0xfff), createWriter());
}

/** The UUID of its parts: 48 bits of time and 12 more, and the second half. */
export function formatRequestId(sequence: bigint, writer: string): string {
  const hex = sequence.toString(16).padStart(15, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(12)}-${writer}`;
}

/** The second half of a UUID: the two bits of the variant, and 62 random ones. */
export function createWriter(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  bytes[0] = 0x80 | ((bytes[0] ?? 0) & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 4)}-${hex.slice(4)}`;
}
