export type { Decide, FaultLogEntry, FaultRate, ProxiedRequest } from "./choose-fault.js";
export {
  internalServerError,
  type ServerErrorOptions,
  serviceUnavailable,
  type ThrottlingError,
  type ThrottlingOptions,
  type ThrottlingReason,
  throttling,
  throttlingReasons,
} from "./dynamodb-errors.js";
export type {
  AnswerFault,
  ClockJumpFault,
  DelayFault,
  Fault,
  FaultName,
  ReplaceAnswerFault,
  RewriteFault,
  UnprocessedFault,
} from "./fault.js";
export { type FaultProxy, type FaultProxyOptions, startFaultProxy } from "./fault-proxy.js";
export { createTestClock, type TestClock } from "./test-clock.js";
