import { UsageError } from "../../../common/command-line/usage-error.js";
import type { Settings } from "./settings.js";
import { isLoopbackHost, splitAddress } from "./text-checks.js";

type AccessSettings = Pick<
  Settings,
  | "listen"
  | "tlsCert"
  | "tlsKey"
  | "tlsClientCa"
  | "tlsClientAuth"
  | "tokensFile"
  | "jwks"
  | "jwtIssuer"
  | "jwtAudience"
  | "policyFile"
  | "introspection"
  | "allowAnyoneOnTheNetwork"
  | "allowPlaintextOnTheNetwork"
>;

/** Returns true if callers have to say who they are. */
export function knowsCallers({ tokensFile, jwks, tlsClientCa }: AccessSettings): boolean {
  return tokensFile !== undefined || jwks !== undefined || tlsClientCa !== undefined;
}

/** Returns true if it is loopback alone that keeps others away: the server listens nowhere else, and does not authenticate callers. */
export function servesItsMachineAlone(settings: AccessSettings): boolean {
  return isLoopbackHost(splitAddress(settings.listen).host) && !knowsCallers(settings);
}

/** What the operator should be told of a server that serves whoever reaches it. */
export function openToAll(settings: AccessSettings): readonly string[] {
  const { listen } = settings;
  return knowsCallers(settings) || isLoopbackHost(splitAddress(listen).host)
    ? []
    : [`callers are not authenticated: whoever reaches ${listen} may read and change every entry; set tokensFile`];
}

/**
 * Checks that the settings of who may call fit together: a part that is missing must not leave open what the rest was
 * meant to close.
 *
 * @throws UsageError
 */
export function checkAccess(settings: AccessSettings, labelOf: (name: keyof Settings) => string): void {
  checkCompanions(settings, labelOf);
  const { listen, tlsCert, tokensFile, jwks } = settings;
  if (isLoopbackHost(splitAddress(listen).host)) {
    return;
  }
  if (!knowsCallers(settings) && !settings.allowAnyoneOnTheNetwork) {
    const tls = tlsCert === undefined ? "" : "TLS encrypts but does not authenticate; ";
    throw new UsageError(
      `${labelOf("listen")}: ${listen} is not loopback, and the server does not authenticate callers; ${tls}set tokensFile or jwks (with tlsCert and tlsKey), or tlsClientCa, or listen on 127.0.0.1, or pass --allow-anyone-on-the-network`,
    );
  }
  if ((tokensFile ?? jwks) !== undefined && tlsCert === undefined && !settings.allowPlaintextOnTheNetwork) {
    throw new UsageError(
      `${labelOf("listen")}: ${listen} is not loopback, and tokens would travel in plaintext; set tlsCert and tlsKey, or listen on 127.0.0.1, or pass --allow-plaintext-on-the-network if a proxy terminates TLS`,
    );
  }
}

function checkCompanions(settings: AccessSettings, labelOf: (name: keyof Settings) => string): void {
  for (const [name, companion] of [
    ["tlsCert", "tlsKey"],
    ["tlsKey", "tlsCert"],
    ["tlsClientCa", "tlsCert"],
    ["jwks", "jwtIssuer"],
    ["jwks", "jwtAudience"],
    ["jwtIssuer", "jwks"],
    ["jwtAudience", "jwks"],
  ] as const) {
    if (settings[name] !== undefined && settings[companion] === undefined) {
      throw new UsageError(`${labelOf(name)}: needs ${companion} too`);
    }
  }
  if (settings.tlsClientAuth === "required" && settings.tlsClientCa === undefined) {
    throw new UsageError(`${labelOf("tlsClientAuth")}: needs tlsClientCa too: whose certificates to take`);
  }
  if (!knowsCallers(settings)) {
    if (settings.policyFile !== undefined) {
      throw new UsageError(
        `${labelOf("policyFile")}: needs tokensFile, jwks or tlsClientCa: a policy is about who calls`,
      );
    }
    if (settings.introspection === "authenticated") {
      throw new UsageError(`${labelOf("introspection")}: authenticated needs tokensFile, jwks or tlsClientCa`);
    }
  }
}
