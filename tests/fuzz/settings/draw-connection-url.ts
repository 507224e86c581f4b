import type { Random } from "../../../server/test/support/random.js";
import { mutateBytes } from "../wire/mutate-bytes.js";
import { coreOf, drawSecret, drawText } from "./odd-texts.js";

/** A connection URL, right or wrong in one or more of its parts. */
export function drawConnectionUrl(random: Random): { readonly url: string; readonly secrets: readonly string[] } {
  const secret = drawSecret(random);
  const written = random.chance(0.5) ? encodeURIComponent(secret) : secret;
  const or = (share: number, right: string) => (random.chance(share) ? right : drawText(random));
  const userinfo = random.chance(0.7) ? `${or(0.9, "AKIAEXAMPLE")}${random.chance(0.95) ? ":" : ""}${written}` : "";
  const at = userinfo !== "" && random.chance(0.95) ? "@" : "";
  const host = or(0.8, random.pick(["us-east-1", "localhost", "127.0.0.1", "[::1]", "dynamo.example.com", ""]));
  const port = random.chance(0.6) ? `:${or(0.8, random.pick(["8000", "0", "65536", ""]))}` : "";
  const path = random.chance(0.6) ? `/${or(0.8, random.pick(["celery", "a%20b", "%zz", "a/b"]))}` : "";
  const names = ["read", "write", "ttl_seconds", "__proto__", "constructor", "Read"];
  const pairs = Array.from(
    { length: random.below(4) },
    () => `${or(0.9, random.pick(names))}=${or(0.6, String(random.below(2000) - 10))}`,
  );
  const query = pairs.length > 0 ? `?${pairs.join("&")}` : "";
  const url = `${or(0.95, "dynamodb")}://${userinfo}${at}${host}${port}${path}${query}${or(0.95, "")}`;
  if (random.chance(0.85)) {
    return { url, secrets: [coreOf(secret)] };
  }
  const mutated = mutateBytes(random, Buffer.from(url)).toString("utf8");
  return { url: mutated, secrets: mutated.includes(coreOf(secret)) ? [coreOf(secret)] : [] };
}
