import type { DescMethod, Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ownTurn, runInSlices } from "../../../../common/time-slices.js";
import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Call } from "../call.js";
import type { CallMemory } from "../call-memory.js";
import { isWrite } from "../errors/to-connect-error.js";
import { toExactJson } from "../json/exact-json.js";
import { extractJsonList } from "../json/extract-list.js";
import { decodeList } from "./decode-list.js";
import { createMessageScan, listFieldOf } from "./scan-message.js";

export interface MessageCheckOptions {
  readonly memory: CallMemory;
  /** The most elements of a list in a request, such as the keys of an MGet. */
  readonly maxKeys: number;
}

/** Checks one message of a request. It throws or rejects to refuse the request. */
export interface MessageCheck {
  /** Is told of the bytes of the message: of those that have come as they are, or of those that come of its decompression. */
  add(chunk: Uint8Array): void | Promise<void>;
  addDecompressed(chunk: Uint8Array): void;
  /** Returns the message as it is to be decoded: without the elements of a list that are decoded already. */
  finish(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Messages of no more bytes cost little, whatever is in them. */
const smallBytes = 4096;
/** A list is decoded apart where the message has more bytes. */
const largeBytes = 65_536;
/** JSON is parsed in one go: one message has no more than the largest value in base64, and a list of writes has several of them. */
const maxJsonBytes = 1024 * 1024;
const maxJsonListBytes = 4 * 1024 * 1024;
/** A value is held as it came, in base64, and in the request to DynamoDB. Nothing beyond so much of it is valid. */
const copies = 2;
const maxCopiedBytes = 1024 * 1024;

/** Overhead of a unary message until its call ends. */
export function copiedBytes(bytes: number): number {
  return bytes <= smallBytes ? 0 : copies * Math.min(bytes, maxCopiedBytes);
}

/**
 * Counts what a message has before it is decoded, holds what that will take, and decodes a long list in slices. JSON is held to
 * ProtoJSON: see {@link toExactJson}.
 */
export function createMessageCheck(
  call: Call,
  method: DescMethod,
  isJson: boolean,
  { memory, maxKeys }: MessageCheckOptions,
): MessageCheck {
  const scan = isJson ? undefined : createMessageScan(method.input, maxKeys);
  const list = method.methodKind === "server_streaming" ? listFieldOf(method.input) : undefined;
  let decompressed = 0;

  function refuse(error: DynakvError | undefined): void {
    if (error !== undefined) {
      throw refusalOf(error);
    }
  }

  /** Connect tells of what a body throws in words of its own: those of the call are ours. */
  function refusalOf(error: DynakvError): DynakvError {
    call.bodyRefusal ??= isWrite(method) ? error.withOutcome(Outcome.NOT_APPLIED) : error;
    return call.bodyRefusal;
  }

  // The messages of a stream are forgotten one by one.
  const isHeld = method.methodKind === "unary" || method.methodKind === "server_streaming";

  function hold(bytes: number): void {
    if (!isHeld) {
      return;
    }
    const refusal = memory.hold(call, bytes);
    if (refusal !== undefined) {
      // It says itself that nothing was applied.
      call.bodyRefusal ??= refusal;
      throw call.bodyRefusal;
    }
  }

  async function add(chunk: Uint8Array): Promise<void> {
    if (scan !== undefined && chunk.length > smallBytes) {
      refuse(await runInSlices(inParts(scan.add, chunk)));
    } else {
      refuse(scan?.add(chunk));
    }
  }

  async function takeElements(elements: readonly unknown[], name: string, rest: Uint8Array): Promise<Uint8Array> {
    call.decodedList = { name, elements };
    return rest;
  }

  async function finishJson(bytes: Uint8Array): Promise<Uint8Array> {
    hold(copiedBytes(bytes.length));
    let rest = bytes;
    if (list !== undefined && list.message === undefined && bytes.length > largeBytes) {
      const extracted = await runInSlices(extractJsonList(bytes, list, maxKeys));
      if (extracted !== undefined) {
        rest = await takeElements(extracted.elements, list.localName, extracted.rest);
      }
    }
    const most = list?.message === undefined ? maxJsonBytes : maxJsonListBytes;
    if (rest.length > most) {
      throw new DynakvError(
        ErrorReason.INVALID_FIELD,
        `the JSON has ${rest.length} bytes; the limit is ${most}, beside a list of keys; protobuf takes more`,
      );
    }
    if (rest.length > largeBytes) {
      // It is read three times, here and by Connect, of which nothing can be divided.
      await ownTurn();
    }
    return Buffer.from(toExactJson(rest, method.input));
  }

  async function finishBinary(bytes: Uint8Array): Promise<Uint8Array> {
    if (bytes.length <= smallBytes) {
      return bytes;
    }
    if (list === undefined) {
      hold(copiedBytes(bytes.length));
      return bytes;
    }
    hold(scan?.decodedBytes ?? 0);
    if (bytes.length <= largeBytes) {
      return bytes;
    }
    let decoded: { readonly elements: readonly unknown[]; readonly rest: Uint8Array };
    try {
      decoded = await runInSlices(decodeList(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), list));
    } catch {
      throw new ConnectError("parse binary", Code.InvalidArgument);
    }
    return takeElements(decoded.elements, list.localName, decoded.rest);
  }

  return {
    add,
    addDecompressed(chunk) {
      if (decompressed + chunk.length > smallBytes) {
        hold(decompressed > smallBytes ? chunk.length : decompressed + chunk.length);
      }
      decompressed += chunk.length;
      // They come by themselves in small pieces, between which others are looked after.
      refuse(scan?.add(chunk));
    },
    async finish(bytes) {
      try {
        return await (isJson ? finishJson(bytes) : finishBinary(bytes));
      } catch (error) {
        throw error instanceof DynakvError ? refusalOf(error) : error;
      } finally {
        if (decompressed > smallBytes && call.decodedList !== undefined) {
          memory.giveBack(call, decompressed);
        }
      }
    },
  };
}

/** So many bytes are scanned before others are looked after. */
const scanStep = 16_384;

function* inParts<T>(add: (chunk: Uint8Array) => T | undefined, chunk: Uint8Array): Generator<void, T | undefined> {
  for (let at = 0; at < chunk.length; at += scanStep) {
    const result = add(chunk.subarray(at, at + scanStep));
    if (result !== undefined) {
      return result;
    }
    yield;
  }
  return undefined;
}

/** A message with the elements of its list that were decoded apart. */
export function withDecodedList<T extends Message>(call: Call, message: T): T {
  const { decodedList } = call;
  if (decodedList !== undefined) {
    call.decodedList = undefined;
    Object.assign(message, { [decodedList.name]: decodedList.elements });
  }
  return message;
}
