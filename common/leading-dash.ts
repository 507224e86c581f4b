/**
 * The same base64url without a dash at its beginning, which the command lines that people paste it into would take for a flag. Of 64
 * characters that may come first, two become one: what is random, or a hash, stays as good as it was.
 */
export function withoutLeadingDash(base64url: string): string {
  return base64url.startsWith("-") ? `_${base64url.slice(1)}` : base64url;
}
