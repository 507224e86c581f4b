/**
 * Tells whether pages of an origin may call. Loopback origins always may.
 *
 * @param origins such as `https://app.example.com`, or `https://*.example.com` for all below it; `*` for any
 */
export function createAllowedOrigins(origins: readonly string[]): (origin: string) => boolean {
  const exact = new Set(origins);
  const patterns = origins.filter((origin) => origin !== "*" && origin.includes("*")).map(toPattern);
  return (origin) =>
    isLoopback(origin) || exact.has("*") || exact.has(origin) || patterns.some((pattern) => pattern.test(origin));
}

/** The star stands for one label or more. */
function toPattern(origin: string): RegExp {
  const [before = "", after = ""] = origin.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${before}[a-z0-9-]+(\\.[a-z0-9-]+)*${after}$`);
}

function isLoopback(origin: string): boolean {
  return /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);
}
