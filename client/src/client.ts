import { type Client, createClient as createServiceClient } from "@connectrpc/connect";
import type { AfterArrivals } from "../../common/batching/after-arrivals.js";
import { type GetInfoResponse, InfoService } from "../../gen/dynakv/v1/info_service_pb.js";
import { KeyValueService } from "../../gen/dynakv/v1/key_value_service_pb.js";
import { callOptions, keys as checkKeys, mgetOptions, scanOptions } from "./arguments/call-arguments.js";
import { checkOptions, objectWith, rejecting, text } from "./arguments/checks.js";
import type { ByteTransport } from "./byte-streams.js";
import type { CallOptions } from "./call-options.js";
import { createCallRunner } from "./call-runner.js";
import { bytes, type Codec } from "./codecs.js";
import { type Change, createCompoundCalls } from "./compound-calls.js";
import { type Decoder, metadataDecoder } from "./decoder.js";
import type { Entry, EntryMetadata } from "./entry.js";
import { type Counters, createCounters, createKeyspace, type Keyspace, type KeyspaceCalls } from "./keyspace.js";
import { createManyWriteCalls } from "./many-writes/calls.js";
import type { WriteResults } from "./many-writes/many-writes.js";
import type { CounterSetEntry, DeleteKey, MDeleteOptions, MSetOptions, SetEntry } from "./many-writes/options.js";
import type { Deleted } from "./many-writes/result.js";
import { type MGetOptions, type MGetResults, mget } from "./mget/mget.js";
import type { Operations, Swapped } from "./operations.js";
import type { Patience } from "./patience.js";
import { createPauses } from "./retries.js";
import type { DeletePrefixOptions, PrefixDeleted } from "./scan/delete-prefix.js";
import { type ScanOptions, type ScanResults, scan } from "./scan/scan.js";
import type { SharedOptions } from "./shared-options.js";
import { createSingleCalls } from "./single-calls.js";
import type { Updated, UpdateOptions } from "./update.js";
import { wrapTransport } from "./wrap-transport.js";

/**
 * A client of dynakv. Calls fail with a {@link DynakvError}, and with a TypeError for a wrong argument, of which nothing is sent:
 * what returns a promise rejects, and what does not (`mget`, `scan`, `keyspace`, `counters`) throws. Options that are not known
 * are wrong, too.
 *
 * A call is repeated until its deadline where a repetition does no harm: reads, increments, and whatever has certainly not
 * been applied. A write of which nobody knows whether it was applied is reported, with the outcome `UNKNOWN`, unless its
 * caller calls it `idempotent`.
 */
export interface DynakvClient extends Operations {
  /**
   * Reads any number of keys, in memory that does not grow with their number: keys are taken from the iterable as they are
   * asked for, results come as they arrive. Leaving the loop cancels what is in flight, on the server too.
   */
  mget(keys: Iterable<string> | AsyncIterable<string>, options?: MGetOptions): MGetResults;
  /** As mget, without values and counters: which keys there are, their etags, times, kinds and sizes. */
  mgetMetadata(keys: Iterable<string> | AsyncIterable<string>, options?: MGetOptions): MGetResults<EntryMetadata>;
  /**
   * Reads all keys of the table, or those with a prefix, in no particular order and in memory that does not grow with their number.
   * What is written meanwhile may or may not be seen. It costs the read capacity of the whole table, whatever the prefix.
   * Leaving the loop cancels it, on the server too.
   */
  scan(options?: ScanOptions): ScanResults;
  /** As scan, without values and counters. It costs the same read capacity. */
  scanKeys(options?: ScanOptions): ScanResults<EntryMetadata>;
  /**
   * Stores any number of entries, each with its own expiry and condition, in memory that does not grow with their number. Each is a set
   * of its own: they are written in no particular order, but for those of one key. An array is checked as a whole before anything is
   * sent, another iterable as it is taken.
   */
  mset(
    entries: Iterable<SetEntry | CounterSetEntry> | AsyncIterable<SetEntry | CounterSetEntry>,
    options?: MSetOptions,
  ): WriteResults<Swapped>;
  /** Removes any number of keys, in the same way. */
  mdelete(keys: Iterable<DeleteKey> | AsyncIterable<DeleteKey>, options?: MDeleteOptions): WriteResults<Deleted>;
  /**
   * Removes the keys with a prefix, of at least one character, as a scan finds them: it costs the read capacity of the whole table, and
   * what is written meanwhile may or may not be removed. Rejects when a key cannot be removed; called again it goes on.
   */
  deletePrefix(prefix: string, options?: DeletePrefixOptions): Promise<PrefixDeleted>;
  /**
   * Reads a value, changes it, and writes it if nobody has changed it in between; else reads anew, up to `maxTries` times. Undefined when
   * `change` returns undefined, which leaves the key as it is. `change` may be called several times.
   */
  update(
    key: string,
    change: Change<Uint8Array, Uint8Array>,
    options?: UpdateOptions,
  ): Promise<Updated<Uint8Array> | undefined>;
  /** Values of one type under one prefix. */
  keyspace<Read, Write = Read>(prefix: string, codec: Codec<Read, Write>): Keyspace<Read, Write>;
  /** Counters under one prefix. */
  counters(prefix: string): Counters;
  /** The server's version, table, limits and features. */
  info(options?: CallOptions): Promise<GetInfoResponse>;
  /** The clients that are generated from the schema, over the same connection: each call is one attempt, and as it is. */
  readonly generated: {
    readonly keyValue: Client<typeof KeyValueService>;
    readonly info: Client<typeof InfoService>;
  };
  /** Closes the connections that the client opened. Calls that run, and calls made later, fail with `CANCELED`. */
  close(): void;
}

/** The transport-independent part of a client. */
export function createClientOver(
  bare: ByteTransport,
  { defaultTimeoutMs = 10_000, retries, token, batching = true }: SharedOptions,
  closeTransport: () => void,
  patience?: Patience,
  afterArrivals: AfterArrivals = setImmediate,
): DynakvClient {
  const pauses = createPauses(retries);
  let isClosed = false;
  const transport = wrapTransport(bare, token, () => isClosed);
  const runner = createCallRunner({ transport, defaultTimeoutMs, pauses, patience, afterArrivals });
  const calls = createSingleCalls(runner, batching);
  const manyWrites = createManyWriteCalls(runner);
  const ofKeyspaces: KeyspaceCalls = {
    ...calls,
    ...manyWrites,
    ...createCompoundCalls(runner, calls, manyWrites),
    mget: (decoder, keys, given) =>
      mget(runner, decoder, checkKeys("keys", keys), checkOptions<MGetOptions>("mget", given, mgetOptions)),
    scan: (decoder, given) => scan(runner, decoder, checkOptions<ScanOptions>("scan", given, scanOptions)),
  };

  return {
    ...calls,
    mget: (keys, options) => ofKeyspaces.mget(asItIs, keys, options),
    mgetMetadata: (keys, options) => ofKeyspaces.mget(metadataDecoder(""), keys, options),
    deletePrefix: ofKeyspaces.deletePrefix,
    update: (key, change, options) => ofKeyspaces.update(bytes, key, change, options),
    mset: (entries, options) => ofKeyspaces.mset(asItIs, entries, options),
    mdelete: (keys, options) => ofKeyspaces.mdelete(asItIs, keys, options),
    scan: (options) => ofKeyspaces.scan(asItIs, options),
    scanKeys: (options) => ofKeyspaces.scan(metadataDecoder(""), options),
    keyspace: (prefix, codec) =>
      createKeyspace(
        ofKeyspaces,
        text("prefix", prefix),
        objectWith<typeof codec>("a codec", "encode", "decode")("codec", codec),
      ),
    counters: (prefix) => createCounters(ofKeyspaces, text("prefix", prefix)),
    info: rejecting((given) => {
      const options = checkOptions<CallOptions>("info", given, callOptions);
      return runner.run(options, (call) => call.unary(InfoService.method.getInfo, {}));
    }),
    generated: {
      keyValue: createServiceClient(KeyValueService, transport),
      info: createServiceClient(InfoService, transport),
    },
    close() {
      if (!isClosed) {
        isClosed = true;
        runner.close();
        closeTransport();
      }
    },
  };
}

const asItIs: Decoder<Entry> = { prefix: "" };
