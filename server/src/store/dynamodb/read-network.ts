import { directNetwork, type Network } from "./network.js";
import { type Proxies, readProxies } from "./proxies.js";
import { readTrustedAuthorities } from "./trusted-authorities.js";

/**
 * Reads proxies and authorities from the environment and the AWS profile.
 *
 * @param endpoint that of the settings; undefined for AWS's, or another that the environment names
 * @throws SetupError when what they say cannot be
 */
export async function readNetwork(endpoint: string | undefined): Promise<Network> {
  return { proxies: proxiesFor(endpoint), authorities: await readTrustedAuthorities() };
}

/** A proxy that cannot be used, such as a browser's by SOCKS, does not keep anybody from an endpoint that needs none. */
function proxiesFor(endpoint: string | undefined): Proxies {
  try {
    return readProxies(process.env);
  } catch (error) {
    if (endpoint?.toLowerCase().startsWith("http:")) {
      return directNetwork.proxies;
    }
    throw error;
  }
}
