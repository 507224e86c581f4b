import type { HttpParts } from "./raw-endpoint.js";

const json = (value: unknown) => JSON.stringify(value);

/** A number as a code, a name in each of its places, and what is no name. */
const codes: readonly HttpParts[] = [
  { body: '{"code":429}' },
  { body: '{"code":"ThrottlingException"}' },
  { body: '{"Code":"ThrottlingException"}' },
  { body: '{"code":null}' },
  { body: '{"code":""}' },
  { body: '{"code":{"a":1}}' },
  { body: '{"__type":null}' },
  { body: '{"__type":5}' },
  { body: '{"__type":""}' },
  { body: '{"__type":["ThrottlingException"]}' },
  { body: '{"__type":"ThrottlingException"}' },
  { body: '{"__type":"a#ThrottlingException"}' },
  { body: '{"__type":"a#ThrottlingException:http://internal/"}' },
  { body: '{"__type":"ThrottlingException,other"}' },
  { body: '{"__type":"a#b#ThrottlingException"}' },
  { body: '{"__type":"a#ValidationException","code":"ThrottlingException"}' },
  { body: "{}", headers: { "x-amzn-ErrorType": "ThrottlingException:http://internal/" } },
  { body: "", headers: { "x-amzn-errortype": "a#ThrottlingException" } },
  { body: '{"__type":"a#ValidationException"}', headers: { "x-amzn-errortype": "ThrottlingException" } },
  { body: '{"__type":"a#ConditionalCheckFailedException","Item":{"id":{"S":"k"},"b":{"B":"AAAA"}}}' },
  { body: '{"__type":"a#ConditionalCheckFailedException"}' },
  { body: '{"__type":"a#ConditionalCheckFailedException","Item":null}' },
  { body: '{"__type":"a#ThrottlingException","throttlingReasons":[{"reason":"TableReadAccountLimitExceeded"}]}' },
  { body: '{"__type":"a#ThrottlingException","throttlingReasons":"none"}' },
  { body: '{"__type":"a#ThrottlingException","ThrottlingReasons":[null,{"reason":5}]}' },
  { body: '{"__type":"a#ValidationException","message":5}' },
  { body: '{"__type":"a#ValidationException","message":"Item size has exceeded the maximum"}' },
  { body: '{"__type":"a#ValidationException","Message":"Item size has exceeded the maximum"}' },
  { body: '{"__type":"a#InvalidSignatureException","message":"Signature expired: …"}' },
  { body: '{"__type":"a#InvalidSignatureException","Message":"Signature not yet current: …"}' },
  { body: "null" },
  { body: "[]" },
  { body: '["a"]' },
  { body: "5" },
  { body: '"ThrottlingException"' },
  { body: "", type: undefined },
  { body: "<html>Bad Request</html>", type: "text/html" },
  { body: '{"__type"' },
  { body: '{"__type":"a#AccessDeniedException"}', type: "text/html" },
];

/** Every name that the SDK knows to be transient, throttling or about the clock, and those that DynamoDB itself has. */
const errorNames = [
  ..."AccessDeniedException AuthFailure BandwidthLimitExceeded ConditionalCheckFailedException EC2ThrottledException".split(
    " ",
  ),
  ..."ExpiredToken ExpiredTokenException IncompleteSignatureException InternalFailure InternalServerError".split(" "),
  ..."InvalidClientTokenId InvalidSignatureException ItemCollectionSizeLimitExceededException".split(" "),
  ..."LimitExceededException MissingAuthenticationTokenException PriorRequestNotComplete".split(" "),
  ..."ProvisionedThroughputExceededException ReplicatedWriteConflictException RequestExpired RequestInTheFuture".split(
    " ",
  ),
  ..."RequestLimitExceeded RequestThrottled RequestThrottledException RequestTimeTooSkewed RequestTimeout".split(" "),
  ..."RequestTimeoutException ResourceInUseException ResourceNotFoundException SerializationException".split(" "),
  ..."ServiceUnavailable ServiceUnavailableException SignatureDoesNotMatch SlowDown ThrottledException Throttling".split(
    " ",
  ),
  ..."ThrottlingException TimeoutError TooManyRequestsException TransactionConflictException".split(" "),
  ..."TransactionInProgressException UnknownOperationException UnrecognizedClientException ValidationException".split(
    " ",
  ),
  "AbortError",
  "toString",
  "__proto__",
];

/** Every error that the planes are to understand alike. */
export const errors: readonly HttpParts[] = [
  ...codes.flatMap((parts) => [400, 500].map((status) => ({ status, ...parts }))),
  ...errorNames.flatMap((name) => [400, 503].map((status) => ({ status, body: json({ __type: `a#${name}` }) }))),
  ...[300, 301, 302, 304, 307, 400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 413, 415, 421, 425, 429, 431]
    .concat([451, 499, 500, 501, 502, 503, 504, 505, 507, 520, 529, 599])
    .flatMap((status) => [
      { status, body: "" },
      { status, type: undefined, body: "" },
      { status, type: "text/html", body: "<html>no</html>" },
      { status, body: json({ __type: "a#ThrottlingException" }) },
    ]),
];
