import type { Socket } from "node:net";

export type Protocol = "http1" | "http2";

/** The HTTP/2 connection preface. No HTTP/1 request starts with it: RFC 9113, section 3.4. */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/**
 * Reads as many bytes of a new connection as decide what the client speaks, puts them back, and then calls `onProtocol`.
 * A connection that decides nothing within `timeoutMs`, or ends before, is destroyed.
 */
export function detectProtocol(socket: Socket, timeoutMs: number, onProtocol: (protocol: Protocol) => void): void {
  let seen = Buffer.alloc(0);
  // One timer for all the bytes: a client that sends one now and then must not keep the connection.
  const timer = setTimeout(destroy, timeoutMs);
  socket.on("readable", read);
  socket.on("end", destroy);
  socket.on("close", stop);

  function read(): void {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) {
      return;
    }
    seen = Buffer.concat([seen, chunk]);
    const protocol = protocolOf(seen);
    if (protocol !== undefined) {
      stop();
      socket.unshift(seen);
      onProtocol(protocol);
    }
  }

  function destroy(): void {
    socket.destroy();
  }

  function stop(): void {
    clearTimeout(timer);
    socket.off("readable", read);
    socket.off("end", destroy);
    socket.off("close", stop);
  }
}

/** The protocol that the first bytes belong to, or undefined when more are needed. Whatever is not the preface is HTTP/1's to refuse. */
function protocolOf(bytes: Buffer): Protocol | undefined {
  const length = Math.min(bytes.length, preface.length);
  if (!bytes.subarray(0, length).equals(preface.subarray(0, length))) {
    return "http1";
  }
  return length === preface.length ? "http2" : undefined;
}
