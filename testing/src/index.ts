export type { Clock, Duration } from "./clock.js";
export type { FaultTarget, Operation } from "./fault-target.js";
export type { Faults, ThrottleOptions } from "./faults.js";
export { startTestServer } from "./start-test-server.js";
export type { TestServer, TestServerOptions } from "./test-server.js";
