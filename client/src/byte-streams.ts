import type { DescMessage, DescMethodServerStreaming, MessageInitShape } from "@bufbuild/protobuf";
import type { CallOptions, Transport } from "@connectrpc/connect";

/** A stream whose messages come as bytes. */
export interface ByteStream {
  header(): Headers;
  /** Once all messages have come. */
  trailer(): Headers;
  readonly messages: AsyncIterable<Buffer>;
}

/** A transport that can also leave the messages of a stream undecoded, for who knows a cheaper way to read them. */
export interface ByteTransport extends Transport {
  streamBytes?: <I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    headers: CallOptions["headers"],
    input: MessageInitShape<I>,
  ) => Promise<ByteStream>;
}
