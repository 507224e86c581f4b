import type { JsonObject } from "../json.js";
import { parseJsonSequence, runCommand } from "../run-command.js";
import { checkDetail, errorAnswer, type InteropClient, messagesAnswer } from "./client.js";

/** `grpcurl`, which asks the server for the schema: for that of the details of an error too. */
export function grpcurlClient(file: string, title: string, address: string): InteropClient {
  return {
    title,
    async call(method, request) {
      const args = ["-plaintext", "-format-error", "-d", "@", address, `dynakv.v1.KeyValueService/${method}`];
      const { code, stdout, stderr } = await runCommand(file, args, { input: JSON.stringify(request) });
      return code === 0 ? messagesAnswer(method, parseJsonSequence(stdout)) : readError(stderr);
    },
    stop: async () => {},
  };
}

function readError(stderr: string): JsonObject {
  let error: { code: number; message: string; details?: JsonObject[] };
  try {
    error = JSON.parse(stderr);
  } catch {
    throw new Error(`grpcurl failed: ${stderr}`);
  }
  return errorAnswer(error.code, error.message, (error.details ?? []).map(checkDetail));
}
