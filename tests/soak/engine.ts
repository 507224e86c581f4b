/** The embedded engine in a process of its own, whose memory grows with what is stored in it. */
import { startEmbeddedEngine } from "../../server/src/embedded/embedded-engine.js";

const { endpoint, region, credentials } = await startEmbeddedEngine({ data: "memory" });
const key = `--access-key-id ${credentials.accessKeyId} --secret-access-key ${credentials.secretAccessKey}`;
// The flags by which a server finds it.
process.stdout.write(`engine: --endpoint ${endpoint} --region ${region} ${key}\n`);
