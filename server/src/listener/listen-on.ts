import { splitAddress } from "../settings/text-checks.js";

/** Listens where a setting says, and returns the URL of the place. */
export async function listenOn(
  port: { listen(host: string, port: number): Promise<{ readonly port: number }> },
  setting: "listen" | "adminListen",
  address: string,
  scheme: "http" | "https" = "http",
): Promise<string> {
  const { host, port: wanted } = splitAddress(address);
  const { port: actual } = await port.listen(host, wanted).catch((error: unknown) => {
    throw listenError(setting, address, error);
  });
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${actual}`;
}

function listenError(setting: string, address: string, cause: unknown): Error {
  const { found, advice } = listenProblem(setting, cause);
  return new Error(`cannot listen on ${address}: ${found}${advice === undefined ? "" : `; ${advice}`}`, { cause });
}

/** The reason why an address cannot be bound, with advice. */
export function listenProblem(
  setting: string,
  cause: unknown,
): { readonly code: string | undefined; readonly found: string; readonly advice?: string } {
  const { code } = cause as { code?: string };
  switch (code) {
    case "EADDRINUSE":
      return {
        code,
        found: "it is in use",
        advice: `stop the process that uses it, or choose another with ${setting} (port 0 picks a free one)`,
      };
    case "EADDRNOTAVAIL":
      return { code, found: "no such address on this machine", advice: `choose another with ${setting}` };
    case "EACCES":
      return { code, found: "permission denied for that port", advice: `choose one above 1023 with ${setting}` };
    case "ENOTFOUND":
      return { code, found: "there is no such host", advice: `choose another with ${setting}` };
    default:
      return { code, found: code ?? "it failed" };
  }
}
