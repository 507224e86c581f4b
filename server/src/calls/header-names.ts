/** Carries the id of a call in and out. */
export const requestIdHeader = "x-request-id";

/** By which a caller asks what its call consumes: `total`, as DynamoDB's ReturnConsumedCapacity has it. */
export const returnConsumedCapacityHeader = "x-dynakv-return-consumed-capacity";

/** The trailers that tell it. */
export const consumedCapacityTrailers = {
  readUnits: "x-dynakv-consumed-read-units",
  writeUnits: "x-dynakv-consumed-write-units",
  requests: "x-dynakv-dynamodb-requests",
} as const;
