import type { SharedOptions } from "./shared-options.js";
import type { TlsOptions } from "./tls-options.js";

/** The address of a server, taken apart. */
export interface Address extends Pick<URL, "hostname" | "port"> {
  readonly protocol: "http:" | "https:";
  /** Path prefix of each method, for a server behind a proxy that serves others as well; empty for none. */
  readonly pathPrefix: string;
}

/** Takes an address apart. Throws a TypeError for what is none, and where a token would be sent for all to read. */
export function checkAddress(
  address: string,
  options: { readonly tls?: TlsOptions | undefined } & TokenOptions,
): Address {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    // Before an @ may stand a password.
    const shown = address.includes("@") ? "" : ` ${JSON.stringify(address)}`;
    throw new TypeError(`the address${shown} is not an http: or https: URL`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("the address contains credentials; use the option token");
  }
  if (url.search !== "" || url.hash !== "") {
    throw new TypeError("the address has a query or a fragment; remove it");
  }
  if (url.protocol === "http:") {
    if (options.tls !== undefined) {
      throw new TypeError("tls is set, but the address is an http: URL");
    }
    if (!isLoopback(url.hostname)) {
      refuseOpenToken(options, url.host, "use an https: address");
    }
  }
  const { protocol, hostname, port, pathname } = url;
  return { protocol: protocol as Address["protocol"], hostname, port, pathPrefix: pathname.replace(/\/+$/, "") };
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
