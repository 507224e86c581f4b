import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../tools/root.js";
import type { JsonObject } from "../json.js";
import { startJsonProgram } from "../json-program.js";
import { runCommand } from "../run-command.js";
import { errorAnswer, type InteropClient, messagesAnswer, readDetail, type WireDetail } from "./client.js";

interface PrintedAnswer {
  readonly messages?: readonly JsonObject[];
  readonly code?: number;
  readonly message?: string;
  readonly details?: readonly WireDetail[];
}

/** Python's grpcio with code that grpcio-tools generates from our schema into the folder. */
export async function grpcioClient(
  python: string,
  title: string,
  generated: string,
  address: string,
): Promise<InteropClient> {
  await generatePython(python, generated);
  const script = join(root, "tests/interop/clients/grpcio_client.py");
  const program = startJsonProgram(python, [script, generated, address]);
  return {
    title,
    async call(method, request) {
      const { messages, code, message, details } = (await program.ask({ method, request })) as PrintedAnswer;
      return messages === undefined
        ? errorAnswer(code ?? 0, message ?? "", (details ?? []).map(readDetail))
        : messagesAnswer(method, messages);
    },
    stop: () => program.stop(),
  };
}

/** Has grpcio-tools write code for our schema into a folder. Anew each time: it takes a second, and the schema may have changed. */
export async function generatePython(python: string, folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files = ["entry", "error", "key_value_service"].map((name) => join(root, `proto/dynakv/v1/${name}.proto`));
  const options = ["-I", join(root, "proto"), "--python_out", folder, "--grpc_python_out", folder];
  const { code, stderr } = await runCommand(python, ["-m", "grpc_tools.protoc", ...options, ...files]);
  if (code !== 0) {
    throw new Error(`grpcio-tools cannot read the schema: ${stderr}`);
  }
}
