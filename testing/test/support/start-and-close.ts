import { startTestServer } from "../../src/start-test-server.js";

const server = await startTestServer();
await server.client.incr("a");
process.stdout.write("started\n");
await server.close();
