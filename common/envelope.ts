/** Before each message of a stream come a byte of flags and four of its length, in gRPC, gRPC-web and Connect alike. */
export const envelopeBytes = 5;

/** A message with these before it, not compressed. */
export function encloseMessage(message: Uint8Array): Buffer {
  const envelope = Buffer.allocUnsafe(envelopeBytes + message.length);
  envelope[0] = 0;
  envelope.writeUInt32BE(message.length, 1);
  envelope.set(message, envelopeBytes);
  return envelope;
}
