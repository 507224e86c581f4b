import { UsageError } from "../../../common/command-line/usage-error.js";
import { type Principal, type Right, rights } from "../service/principal.js";
import { parseJson } from "../settings/parse-json.js";
import { maxKeyBytes } from "../store/layout/item-size.js";
import type { Identity } from "./identity.js";
import { readObject, readSome, readText } from "./strict-json.js";

/** Says what callers may do. */
export interface Policy {
  /** The caller with this identity. One that the policy does not name may do nothing. The same identity gives the same caller. */
  principalFor(identity: Identity): Principal;
}

/** Grants rights on key prefixes to identities. */
export interface PolicyRule {
  readonly identities: readonly string[];
  readonly rights: readonly Right[];
  /** An empty one is that of all keys. */
  readonly prefixes: readonly string[];
}

/** Of a server without a policy: whoever is known may do everything. */
export const everything: Policy = withPrincipals(({ names: [name] }) => ({
  name,
  may: () => true,
  mayAny: () => true,
}));

/**
 * Reads a policy: `{"rules": [{"identities": ["token:orders"], "rights": ["read", "write"], "prefixes": ["orders:"]}]}`. Rules only
 * add up; none takes anything away.
 *
 * @param label what errors call the file
 * @throws UsageError
 */
export function parsePolicy(text: string, label: string): Policy {
  const { rules } = readObject(parseJson(text, label), label, ["rules"]);
  const granted = new Map<string, Record<Right, Set<string>>>();
  for (const rule of readSome(rules, `${label}: rules`, readRule)) {
    for (const identity of rule.identities) {
      const grant = granted.get(identity) ?? { read: new Set(), write: new Set(), delete: new Set() };
      granted.set(identity, grant);
      for (const right of rule.rights) {
        for (const prefix of rule.prefixes) {
          grant[right].add(prefix);
        }
      }
    }
  }
  return withPrincipals(({ names }) => {
    const grants = names.flatMap((name) => granted.get(name) ?? []);
    const matchers = Object.fromEntries(
      rights.map((right) => [right, matchPrefixes(grants.flatMap((grant) => [...grant[right]]))]),
    ) as Record<Right, Matcher>;
    return {
      // The name by which the policy knows it says more than another that its certificate has too.
      name: names.find((name) => granted.has(name)) ?? names[0],
      may: (right, key) => matchers[right].matches(key),
      mayAny: (right) => matchers[right].matchesAny,
    };
  });
}

function readRule(value: unknown, place: string): PolicyRule {
  const fields = readObject(value, place, ["identities", "rights", "prefixes"]);
  return {
    identities: readSome(fields.identities, `${place}.identities`, readIdentity),
    rights: readSome(fields.rights, `${place}.rights`, readRight),
    prefixes: readSome(fields.prefixes, `${place}.prefixes`, readPrefix),
  };
}

function readIdentity(value: unknown, place: string): string {
  return readText(
    value,
    place,
    /^(token|certificate|jwt):[^\s\p{Cc}](.{0,510}[^\s\p{Cc}])?$/u,
    "token:NAME, certificate:NAME or jwt:NAME",
  );
}

function readRight(value: unknown, place: string): Right {
  return readText(value, place, /^(read|write|delete)$/, "read, write or delete") as Right;
}

function readPrefix(value: unknown, place: string): string {
  const prefix = readText(value, place, /^/, 'the beginning of keys, such as "orders:", or "" for all keys');
  if (!prefix.isWellFormed() || Buffer.byteLength(prefix) > maxKeyBytes) {
    throw new UsageError(`${place}: no key begins so: keys are UTF-8 of at most ${maxKeyBytes} bytes`);
  }
  return prefix;
}

interface Matcher {
  matches(key: string): boolean;
  readonly matchesAny: boolean;
}

/** Asks once for each length that a prefix has, however many prefixes there are. */
function matchPrefixes(prefixes: readonly string[]): Matcher {
  const known = new Set(prefixes);
  const lengths = [...new Set(prefixes.map(({ length }) => length))].sort((a, b) => a - b);
  return {
    matchesAny: known.size > 0,
    matches: (key) => lengths.some((length) => key.length >= length && known.has(key.slice(0, length))),
  };
}

function withPrincipals(create: (identity: Identity) => Principal): Policy {
  const callers = new WeakMap<Identity, Principal>();
  return {
    principalFor(identity) {
      let caller = callers.get(identity);
      if (caller === undefined) {
        caller = create(identity);
        callers.set(identity, caller);
      }
      return caller;
    },
  };
}
