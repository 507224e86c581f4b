import { once } from "node:events";
import { Agent, type IncomingHttpHeaders, request } from "node:http";

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Whether the connection was cut before the end of the body. */
  readonly isCut: boolean;
}

/** Posts a request as it stands, on a connection of its own. Rejects when that is cut before the headers of an answer. */
export async function sendRaw(
  url: string,
  headers: Record<string, string>,
  body: string | Uint8Array,
): Promise<RawAnswer> {
  const outgoing = request(url, { method: "POST", headers, agent: new Agent() });
  // With a string for a body, Node would write the headers in UTF-8 too.
  outgoing.end(Buffer.from(body));
  const [answer] = await once(outgoing, "response");
  const chunks: Buffer[] = [];
  answer.on("data", (chunk: Buffer) => chunks.push(chunk));
  answer.on("error", () => {});
  await new Promise((resolve) => answer.once("close", resolve));
  const { statusCode: status, headers: received, rawHeaders, complete } = answer;
  return { status, headers: received, rawHeaders, body: Buffer.concat(chunks), isCut: !complete };
}
