import {
  BatchGetItemCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Settings } from "../settings/settings.js";
import type { ItemLayout } from "../store/layout/item-layout.js";

type Send = (client: Pick<DynamoDBClient, "send">, layout: ItemLayout, signal: AbortSignal) => Promise<unknown>;

/** A right that dynakv uses. */
export interface RightInAws {
  /** As IAM names it. */
  readonly action: string;
  /** The consequence of lacking it. */
  readonly need: string;
  /** Necessity under these settings. */
  readonly neededBy: (settings: Settings) => Necessity;
  /** Tries it in a way that cannot change anything; undefined where that is not possible. */
  readonly attempt?: Send;
}

/** By the calls that a server is there for, by something that can do without, by nothing but an export, or not at all. */
export type Necessity = "calls" | "comfort" | "export" | "nothing";

const always = () => "calls" as const;
/** A key that is never written; the server reads it to probe DynamoDB. */
const probeKey = "dynakv:probe";

/** A condition that holds for no item: its key would have to be another. */
function impossible(layout: ItemLayout) {
  return {
    TableName: layout.names.table,
    ConditionExpression: "#k = :other",
    ExpressionAttributeNames: { "#k": layout.names.keyAttribute },
    ExpressionAttributeValues: { ":other": { S: `not ${probeKey}` } },
  };
}

/** All rights that dynakv may use: what the doctor tries, and what the least policy is made of. */
export const rights: readonly RightInAws[] = [
  {
    action: "dynamodb:DescribeTable",
    need: "the server does not start",
    neededBy: always,
    attempt: (client, { names }, abortSignal) =>
      client.send(new DescribeTableCommand({ TableName: names.table }), { abortSignal }),
  },
  {
    action: "dynamodb:DescribeTimeToLive",
    need: "the table's TTL is left as it is, and unknown",
    neededBy: ({ ttlSeconds }) => (ttlSeconds === undefined ? "comfort" : "calls"),
    attempt: (client, { names }, abortSignal) =>
      client.send(new DescribeTimeToLiveCommand({ TableName: names.table }), { abortSignal }),
  },
  {
    action: "dynamodb:GetItem",
    need: "Get fails",
    neededBy: always,
    attempt: (client, layout, abortSignal) =>
      client.send(new GetItemCommand({ TableName: layout.names.table, Key: layout.key(probeKey) }), { abortSignal }),
  },
  {
    action: "dynamodb:BatchGetItem",
    need: "MGet fails, Gets are read one by one, and increments with ids that are a little old fail",
    neededBy: always,
    attempt: (client, layout, abortSignal) =>
      client.send(
        new BatchGetItemCommand({ RequestItems: { [layout.names.table]: { Keys: [layout.key(probeKey)] } } }),
        { abortSignal },
      ),
  },
  {
    action: "dynamodb:PutItem",
    need: "Set fails",
    neededBy: always,
    attempt: (client, layout, abortSignal) =>
      client.send(new PutItemCommand({ ...impossible(layout), Item: layout.key(probeKey) }), { abortSignal }),
  },
  {
    action: "dynamodb:UpdateItem",
    need: "Incr and Touch fail",
    neededBy: always,
    attempt: (client, layout, abortSignal) =>
      client.send(new UpdateItemCommand({ ...impossible(layout), Key: layout.key(probeKey) }), { abortSignal }),
  },
  {
    action: "dynamodb:DeleteItem",
    need: "Delete fails",
    neededBy: always,
    attempt: (client, layout, abortSignal) =>
      client.send(new DeleteItemCommand({ ...impossible(layout), Key: layout.key(probeKey) }), { abortSignal }),
  },
  {
    action: "dynamodb:Scan",
    need: "Scan, and with it `dynakv export`, fails, and where TTL is off what is left of deleted counters stays",
    neededBy: () => "export",
    attempt: (client, { names }, abortSignal) =>
      client.send(new ScanCommand({ TableName: names.table, Limit: 1 }), { abortSignal }),
  },
  {
    action: "dynamodb:CreateTable",
    need: "the server cannot create a table that is missing",
    neededBy: ({ createTable }) => (createTable ? "comfort" : "nothing"),
  },
  {
    action: "dynamodb:UpdateTimeToLive",
    need: "the server cannot change the table's TTL",
    neededBy: ({ ttlSeconds }) => (ttlSeconds === undefined ? "nothing" : "comfort"),
  },
];

export interface TableAddress {
  readonly region?: string | undefined;
  readonly account?: string | undefined;
  readonly table: string;
  /** A table that is there need not be created. */
  readonly exists: boolean;
}

/** The least policy that lets dynakv do what the settings ask of it. What is not known of the address is any. */
export function leastPolicy(settings: Settings, { region = "*", account = "*", table, exists }: TableAddress): object {
  const partition = region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: rights
          .filter(({ neededBy }) => ["calls", "comfort"].includes(neededBy(settings)))
          .filter(({ action }) => !(exists && action === "dynamodb:CreateTable"))
          .map(({ action }) => action),
        Resource: `arn:${partition}:dynamodb:${region}:${account}:table/${table}`,
      },
    ],
  };
}
