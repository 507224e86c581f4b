import { createHash, createHmac } from "node:crypto";

export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** AWS's "credential scope", apart from the day. */
export interface SigningScope {
  readonly region: string;
  readonly service: string;
}

/** A request by POST without a query: all that DynamoDB's protocol has. */
export interface SignedRequest {
  readonly host: string;
  readonly path: string;
  /** The `x-amz-target` header: version and operation. Only AWS's JSON protocol has it. */
  readonly target?: string;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** Signs requests with AWS Signature Version 4. Returns their headers, in pairs, without `host`. */
export type Signer = (request: SignedRequest, credentials: SigningCredentials, nowMs: number) => string[];

const algorithm = "AWS4-HMAC-SHA256";

/**
 * Signs for one scope. The signing key, four of the five HMACs of a signature, is made anew only when the day or the
 * credentials change.
 */
export function createSigner({ region, service }: SigningScope): Signer {
  let keyFor: { day: string; secret: string } | undefined;
  let signingKey: Buffer = Buffer.alloc(0);
  let second = -1;
  let stamp = "";
  let escaped = { path: "/", canonical: "/" };

  function keyOf(day: string, secret: string): Buffer {
    if (keyFor?.day !== day || keyFor.secret !== secret) {
      signingKey = [day, region, service, "aws4_request"].reduce(hmac, Buffer.from(`AWS4${secret}`));
      keyFor = { day, secret };
    }
    return signingKey;
  }

  return ({ host, path, target, contentType, body }, { accessKeyId, secretAccessKey, sessionToken }, nowMs) => {
    if (second !== Math.floor(nowMs / 1000)) {
      second = Math.floor(nowMs / 1000);
      stamp = new Date(second * 1000).toISOString().replace(/[-:]|\.\d+/g, "");
    }
    if (escaped.path !== path) {
      escaped = { path, canonical: canonicalPath(path) };
    }
    const day = stamp.slice(0, 8);
    const token = sessionToken === undefined ? "" : `x-amz-security-token:${sessionToken}\n`;
    const named = target === undefined ? "" : `x-amz-target:${target}\n`;
    const names = `content-type;host;x-amz-date${token === "" ? "" : ";x-amz-security-token"}${named === "" ? "" : ";x-amz-target"}`;
    const canonical =
      `POST\n${escaped.canonical}\n\ncontent-type:${contentType}\nhost:${host}\nx-amz-date:${stamp}\n${token}${named}` +
      `\n${names}\n${sha256(body)}`;
    const scope = `${day}/${region}/${service}/aws4_request`;
    const signature = hmac(
      keyOf(day, secretAccessKey),
      `${algorithm}\n${stamp}\n${scope}\n${sha256(canonical)}`,
    ).toString("hex");
    const headers = [
      "content-type",
      contentType,
      "x-amz-date",
      stamp,
      "authorization",
      `${algorithm} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    ];
    if (target !== undefined) {
      headers.push("x-amz-target", target);
    }
    if (sessionToken !== undefined) {
      headers.push("x-amz-security-token", sessionToken);
    }
    return headers;
  };
}

/** A path without dots and empty parts, escaped once more than it is sent, as AWS has it for all but S3. */
function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") {
      segments.pop();
    } else if (segment !== "" && segment !== ".") {
      segments.push(segment);
    }
  }
  const escaped = segments.map((segment) =>
    encodeURIComponent(segment).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`),
  );
  return `/${escaped.join("/")}${segments.length > 0 && path.endsWith("/") ? "/" : ""}`;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
