import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { version } from "../../../common/version.js";
import { GetInfoResponseSchema, type InfoService } from "../../../gen/dynakv/v1/info_service_pb.js";
import { maxItemBytes, maxKeyBytes } from "../store/layout/item-size.js";
import { maxMembers } from "../store/layout/members.js";
import type { TableNames } from "../store/layout/table-names.js";
import { msToDuration } from "./messages.js";

export interface InfoServiceOptions {
  readonly embedded: boolean;
  readonly names: TableNames;
  readonly maxRequestBytes: number;
  readonly maxKeys: number;
  readonly maxDeadlineMs: number;
  readonly defaultDeadlineMs: number;
  readonly requestWindowMs: number;
  readonly defaultExpirySeconds: number | undefined;
  /** Returns true if expired items leave the table by themselves, as far as is known now. */
  readonly autoExpiry: () => boolean;
}

export function createInfoService(options: InfoServiceOptions): ServiceImpl<typeof InfoService> {
  const { names, defaultExpirySeconds } = options;
  return {
    getInfo: () =>
      create(GetInfoResponseSchema, {
        version,
        engine: options.embedded ? "embedded" : "dynamodb",
        table: {
          name: names.table,
          keyAttribute: names.keyAttribute,
          valueAttribute: names.valueAttribute,
          counterAttribute: names.counterAttribute,
          writeTimeAttribute: names.writeTimeAttribute,
          expiryAttribute: names.expiryAttribute,
          etagAttribute: names.etagAttribute,
          requestsAttribute: names.requestsAttribute,
          membersAttribute: names.membersAttribute,
          exactExpiryAttribute: names.exactExpiryAttribute,
        },
        limits: {
          maxKeyBytes,
          maxItemBytes,
          maxRequestBytes: options.maxRequestBytes,
          maxDeadline: msToDuration(options.maxDeadlineMs),
          defaultDeadline: msToDuration(options.defaultDeadlineMs),
          requestWindow: msToDuration(options.requestWindowMs),
          maxCounterMembers: maxMembers,
          maxKeys: options.maxKeys,
        },
        features: {
          autoExpiry: options.autoExpiry(),
          atomicCounters: true,
          returnedEntries: true,
          slidingExpiry: true,
          exactExpiry: true,
          manyWrites: true,
          setCounter: true,
          metadataReads: true,
        },
        ...(defaultExpirySeconds === undefined ? {} : { defaultExpiry: msToDuration(defaultExpirySeconds * 1000) }),
      }),
  };
}
