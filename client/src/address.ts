import type { SharedOptions } from "./client.js";
import type { TlsOptions } from "./tls-options.js";

/** The URL of a server. Throws a TypeError for what is none, and where a token would be sent for all to read. */
export function checkAddress(address: string, options: { readonly tls?: TlsOptions | undefined } & TokenOptions): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`the address ${JSON.stringify(address)} is no URL of http: or https:`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("the address holds a user or a password; give the option token");
  }
  if (url.protocol === "http:") {
    if (options.tls !== undefined) {
      throw new TypeError("tls is given, but the address is one of http:");
    }
    if (!isLoopback(url.hostname)) {
      refuseOpenToken(options, url.host, "use an address of https:");
    }
  }
  return url;
}

type TokenOptions = Pick<SharedOptions, "token" | "allowInsecureToken">;

/** Throws a TypeError if there is a token, and nobody has said that all may read it. */
export function refuseOpenToken({ token, allowInsecureToken }: TokenOptions, host: string, advice: string): void {
  if (token !== undefined && allowInsecureToken !== true) {
    throw new TypeError(`a token would be sent to ${host} unencrypted; ${advice}, or set allowInsecureToken`);
  }
}

export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
