import { BlockList, isIP, isIPv6 } from "node:net";
import { SetupError } from "../../errors/dynakv-error.js";

/** The proxies that the environment names, as curl, Go and botocore understand it. */
export interface Proxies {
  /** The proxy for requests to a host over TLS; undefined when there is none, or the host is exempt. */
  find(host: string, port: number): URL | undefined;
  /** The variable that names it; undefined when none does. */
  readonly source: string | undefined;
}

/** The lower case first, as curl has it. */
const variables = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/**
 * Reads HTTPS_PROXY, ALL_PROXY and NO_PROXY, in lower case or upper. HTTP_PROXY is left alone: an endpoint without TLS is an engine
 * in one's own network.
 *
 * @throws SetupError when a proxy is not an http:// or https:// URL; it is not shown, since it may hold a password
 */
export function readProxies(environment: NodeJS.ProcessEnv): Proxies {
  const source = variables.find((name) => (environment[name] ?? "").trim() !== "");
  if (source === undefined) {
    return { find: () => undefined, source };
  }
  const text = environment[source]?.trim() ?? "";
  const url = text.includes("://") ? text : `http://${text}`;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new SetupError(`${source} is not the http:// or https:// URL of a proxy, such as http://proxy.example:3128`, {
      transient: false,
    });
  }
  const proxy = new URL(url);
  const isExempt = readExemptions(environment.no_proxy || environment.NO_PROXY || "");
  return { find: (host, port) => (isExempt(host, port) ? undefined : proxy), source };
}

/** NO_PROXY: hosts, domains with all that is in them, addresses, networks such as 10.0.0.0/8, each with a port or without; or `*`. */
function readExemptions(list: string): (host: string, port: number) => boolean {
  const entries = list
    .toLowerCase()
    .split(/[,\s]+/)
    .filter((entry) => entry !== "");
  const networks = new BlockList();
  const names: { readonly name: string; readonly port: number | undefined }[] = [];
  for (const entry of entries) {
    const [, address = "", prefix] = /^\[?([\da-f.:]+)\]?\/(\d{1,3})$/.exec(entry) ?? [];
    if (isIP(address) !== 0 && Number(prefix) <= (isIPv6(address) ? 128 : 32)) {
      networks.addSubnet(address, Number(prefix), isIPv6(address) ? "ipv6" : "ipv4");
    } else {
      const [, host = entry, port] = isIPv6(entry) ? [] : (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []);
      names.push({ name: host.replace(/^\*?\.|^\[|\]$/g, ""), port: port === undefined ? undefined : Number(port) });
    }
  }
  return (given, port) => {
    const host = given.toLowerCase().replace(/^\[|\]$/g, "");
    const isListed = isIP(host) !== 0 && networks.check(host, isIPv6(host) ? "ipv6" : "ipv4");
    return (
      isListed ||
      names.some(
        ({ name, port: only }) =>
          (only === undefined || only === port) && (name === "*" || host === name || host.endsWith(`.${name}`)),
      )
    );
  };
}
