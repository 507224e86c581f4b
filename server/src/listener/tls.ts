import type { Socket } from "node:net";
import { createServer, type SecureContextOptions, type TLSSocket } from "node:tls";

/** Makes TLS of accepted connections. */
export interface TlsAcceptor {
  /**
   * Shakes hands, and calls back with the connection to go on with. A connection with which that fails, or takes longer, is
   * destroyed.
   */
  accept(socket: Socket, onSecure: (secure: TLSSocket) => void): void;
  /** Makes the connections to come with something else. Those that are open stay. */
  use(material: TlsMaterialOptions): void;
  /** Returns true if the authorities of now were those by which the client's certificate was judged. */
  isJudged(secure: Socket): boolean;
}

export type TlsMaterialOptions = Pick<SecureContextOptions, "cert" | "key" | "ca">;

export interface TlsAcceptorOptions {
  readonly material: TlsMaterialOptions;
  /** True if a client is asked for a certificate, and whether its connection is closed when it has none that is good. */
  readonly clientCertificate: "never" | "optional" | "required";
  /** TLS handshake timeout in milliseconds. The default is 10,000, as long as a first request's head may. */
  readonly handshakeTimeoutMs?: number;
  /** Hears of failed TLS handshakes, with a short code. */
  readonly onFailure?: (address: string | undefined, code: string) => void;
}

/** The authorities by which a connection was judged. A property of it, since HTTP/2 shows a stand-in of the socket, which has that too. */
const judgedBy = Symbol("judged by");

/** A connection that is shaking hands: what is to be called then, and the authorities that it is judged by. */
interface Waiting {
  readonly onSecure: (secure: TLSSocket) => void;
  readonly ca: TlsMaterialOptions["ca"];
}

/** TLS as `grpc` and browsers want it: versions 1.2 and 1.3, and both versions of HTTP. */
export function createTlsAcceptor(options: TlsAcceptorOptions): TlsAcceptor {
  const { material, clientCertificate, handshakeTimeoutMs = 10_000, onFailure = () => {} } = options;
  const versions = { minVersion: "TLSv1.2" } as const;
  /** Callbacks of connections during the TLS handshake. */
  const waiting = new Map<string, Waiting>();
  let { ca } = material;
  // It never listens: sockets are handed to it.
  const server = createServer({
    ...material,
    ...versions,
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: handshakeTimeoutMs,
    requestCert: clientCertificate !== "never",
    // Judged below, so that who has none can still ask for health, and so that a refusal is heard of.
    rejectUnauthorized: false,
  });
  server.on("secureConnection", (secure) => {
    secure.on("error", ignore);
    const found = waiting.get(nameOf(secure));
    if (found === undefined) {
      // The client has left meanwhile.
      secure.destroy();
    } else if (clientCertificate === "required" && !hasGoodCertificate(secure)) {
      onFailure(secure.remoteAddress, "NO_VALID_CLIENT_CERTIFICATE");
      secure.destroy();
    } else {
      Object.assign(secure, { [judgedBy]: { ca: found.ca } });
      found.onSecure(secure);
    }
  });
  server.on("tlsClientError", (error: NodeJS.ErrnoException, secure) => {
    // A connection that closes at once is a port probe.
    if (error.code !== "ECONNRESET") {
      onFailure(secure.remoteAddress, error.code ?? error.name);
    }
    secure.destroy();
  });
  return {
    accept(socket, onSecure) {
      const name = nameOf(socket);
      const own: Waiting = { onSecure, ca };
      waiting.set(name, own);
      socket.once("close", () => {
        if (waiting.get(name) === own) {
          waiting.delete(name);
        }
      });
      server.emit("connection", socket);
    },
    use(next) {
      ({ ca } = next);
      server.setSecureContext({ ...next, ...versions });
    },
    isJudged: (secure) => {
      const judged = (secure as { [judgedBy]?: { readonly ca: TlsMaterialOptions["ca"] } })[judgedBy];
      return judged !== undefined && judged.ca === ca;
    },
  };
}

/** A session that was taken up again counts as authorized also without a certificate. */
function hasGoodCertificate(secure: TLSSocket): boolean {
  return secure.authorized && secure.getPeerX509Certificate() !== undefined;
}

/**
 * A TCP connection is known by its two ends, and Node says of a TLS connection no other way which one it was made of. `waiting` keeps
 * a name until the connection closes, by when another may have it: what is kept there is therefore compared.
 */
function nameOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function ignore(): void {}
