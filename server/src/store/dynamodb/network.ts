import { type Proxies, readProxies } from "./proxies.js";
import { readTrustedAuthorities, type TrustedAuthorities } from "./trusted-authorities.js";

/** What lies between this server and DynamoDB, as the environment and the AWS profile describe it. */
export interface Network {
  readonly proxies: Proxies;
  readonly authorities: TrustedAuthorities;
}

/** Nothing: for the embedded engine, which is in this process. */
export const directNetwork: Network = {
  proxies: { find: () => undefined, source: undefined },
  authorities: { pem: undefined, source: undefined },
};

/** @throws SetupError when what they say cannot be */
export async function readNetwork(): Promise<Network> {
  return { proxies: readProxies(process.env), authorities: await readTrustedAuthorities() };
}
