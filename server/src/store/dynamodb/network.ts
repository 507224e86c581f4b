import type { Proxies } from "./proxies.js";
import type { TrustedAuthorities } from "./trusted-authorities.js";

/** Proxies and authorities by environment and AWS profile. */
export interface Network {
  readonly proxies: Proxies;
  readonly authorities: TrustedAuthorities;
}

/** Nothing: for the embedded engine, which is in this process. */
export const directNetwork: Network = {
  proxies: { find: () => undefined, source: undefined },
  authorities: { pem: undefined, source: undefined },
};
