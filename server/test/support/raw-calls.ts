import { connect, type IncomingHttpHeaders } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { endStreamFromJson, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { trailerParse } from "@connectrpc/connect/protocol-grpc-web";
import { type CallFailure, describeFailure } from "./errors.js";

/** A request as no client would write it. */
export interface RawCall {
  readonly url: string;
  /** The message as it is sent, without an envelope. */
  readonly message: Uint8Array;
  readonly headers?: Record<string, string>;
}

/** What a call of each protocol fails with. */
export const rawProtocols = {
  async gRPC({ message, ...call }: RawCall): Promise<CallFailure> {
    const { trailers } = await post({ ...call, message: encodeEnvelope(0, message) }, "application/grpc");
    return describe(findTrailerError(trailers));
  },
  async "gRPC-web"({ message, ...call }: RawCall): Promise<CallFailure> {
    const { body } = await post({ ...call, message: encodeEnvelope(0, message) }, "application/grpc-web+proto");
    return describe(findTrailerError(trailerParse(body.subarray(5))));
  },
  async "Connect streaming"({ message, ...call }: RawCall): Promise<CallFailure> {
    const { body } = await post({ ...call, message: encodeEnvelope(0, message) }, "application/connect+proto");
    return describe(endStreamFromJson(body.subarray(5)).error);
  },
  Connect: async (call: RawCall): Promise<CallFailure> => describe(readError(await post(call, "application/proto"))),
  JSON: async (call: RawCall): Promise<CallFailure> => describe(readError(await post(call, "application/json"))),
};

interface Answer {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly trailers: Headers;
}

/** Over HTTP/2, on a connection of its own. */
async function post({ url, message, headers }: RawCall, contentType: string): Promise<Answer> {
  const { origin, pathname } = new URL(url);
  const session = connect(origin);
  try {
    return await new Promise<Answer>((resolve, reject) => {
      session.on("error", reject);
      const head = { ":method": "POST", ":path": pathname, "content-type": contentType, ...headers };
      const stream = session.request({ ...head, "content-length": message.length });
      const chunks: Buffer[] = [];
      const trailers = new Headers();
      stream.on("error", reject);
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      const take = (fields: IncomingHttpHeaders) => {
        for (const [name, value] of Object.entries(fields)) {
          if (!name.startsWith(":")) {
            trailers.set(name, String(value));
          }
        }
      };
      // An error alone stands in the head: gRPC's Trailers-Only.
      stream.on("response", take);
      stream.on("trailers", take);
      stream.on("end", () => resolve({ body: new Uint8Array(Buffer.concat(chunks)), trailers }));
      stream.end(message);
    });
  } finally {
    session.close();
  }
}

function readError({ body }: Answer): ConnectError {
  return errorFromJsonBytes(body, undefined, new ConnectError("no error", Code.Unknown));
}

function describe(error: ConnectError | undefined): CallFailure {
  if (error === undefined) {
    throw new Error("the call should have failed");
  }
  return describeFailure(error);
}
