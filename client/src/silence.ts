import type { KeepAliveOptions } from "./shared-options.js";

/** Longest time that a connection may be silent, in milliseconds: see {@link KeepAliveOptions}. */
export type Silence = { readonly [Limit in keyof KeepAliveOptions]-?: number };

/** The limits that options set, or the defaults. */
export function toSilence({ intervalMs = 3000, timeoutMs = 3000 }: KeepAliveOptions = {}): Silence {
  return { intervalMs, timeoutMs };
}
