import { Code } from "../../../gen/google/rpc/code_pb.js";
import { buf } from "../../../tools/buf.js";
import type { JsonObject } from "../json.js";
import { parseJsonSequence, runCommand } from "../run-command.js";
import { errorAnswer, type InteropClient, messagesAnswer, readDetail, type WireDetail } from "./client.js";

/** `buf curl`, which asks the server for the schema, over each protocol. */
export function bufCurlClients(url: string): InteropClient[] {
  return ["connect", "grpc", "grpcweb"].map((protocol) => ({
    title: `buf curl, ${protocol}`,
    async call(method, request) {
      const args = ["curl", "--protocol", protocol, "--data", "@-", `${url}/dynakv.v1.KeyValueService/${method}`];
      const { code, stdout, stderr } = await runCommand(buf, args, { input: JSON.stringify(request) });
      return code === 0 ? messagesAnswer(method, parseJsonSequence(stdout)) : readError(stderr);
    },
    stop: async () => {},
  }));
}

/** buf prints an error as Connect writes it, whichever protocol it came by. */
function readError(stderr: string): JsonObject {
  let error: { code: string; message: string; details?: WireDetail[] };
  try {
    error = JSON.parse(stderr);
  } catch {
    throw new Error(`buf curl failed: ${stderr}`);
  }
  const code = Code[error.code.toUpperCase() as keyof typeof Code];
  return errorAnswer(code, error.message, (error.details ?? []).map(readDetail));
}
