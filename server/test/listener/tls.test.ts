import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import * as assert from "uvu/assert";
import { createTlsAcceptor, type TlsAcceptor, type TlsAcceptorOptions } from "../../src/listener/tls.js";
import {
  createAuthority,
  createSelfSigned,
  type TestAuthority,
  type TestCertificate,
} from "../support/certificates.js";
import { suite } from "../support/suite.js";
import { type RequestHandler, type TestPort, withPort } from "../support/test-port.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("TLS");

let authority: TestAuthority;
let own: TestCertificate;

test.before(async () => {
  authority = await createAuthority("authority");
  own = await authority.issueServer();
});

const hello: RequestHandler = (_, response) => {
  response.end("hello");
};

interface Failure {
  readonly address: string | undefined;
  readonly code: string;
}

/** A port with TLS, and the handshakes that failed on it. */
function withTls(
  use: (port: TestPort, failures: Failure[], tls: TlsAcceptor) => Promise<void>,
  options: Partial<TlsAcceptorOptions> & { handler?: RequestHandler } = {},
): Promise<void> {
  const failures: Failure[] = [];
  const { handler = hello, ...acceptor } = options;
  const tls = createTlsAcceptor({
    material: { ...own, ca: authority.cert },
    clientCertificate: "never",
    onFailure: (address, code) => failures.push({ address, code }),
    ...acceptor,
  });
  return withPort(handler, (port) => use(port, failures, tls), { tls });
}

async function secure({ number }: TestPort, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ host: "127.0.0.1", port: number, ca: authority.cert, ...options });
  await once(socket, "secureConnect");
  return socket;
}

/** What comes of an HTTP/1 request over a connection, once that has ended. */
async function exchange(socket: TLSSocket, text: string): Promise<string> {
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk;
  });
  socket.on("error", () => {});
  socket.write(text);
  await once(socket, "close");
  return received;
}

const get = "GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";

async function getByHttp2(url: string, options: ConnectionOptions = {}): Promise<string> {
  const session = connectHttp2(url, { ca: authority.cert, ...options });
  try {
    const stream = session.request({ ":path": "/" });
    let body = "";
    for await (const chunk of stream) {
      body += chunk;
    }
    return body;
  } finally {
    session.destroy();
  }
}

test("a client agrees on HTTP/2 or HTTP/1.1, and one that names neither gets HTTP/1.1", () =>
  withTls(async (port) => {
    assert.is(await getByHttp2(port.url), "hello");
    for (const ALPNProtocols of [["http/1.1"], undefined]) {
      const socket = await secure(port, ALPNProtocols === undefined ? {} : { ALPNProtocols });
      assert.match(await exchange(socket, get), /^HTTP\/1\.1 200 /);
    }
    const both = await secure(port, { ALPNProtocols: ["http/1.1", "h2"] });
    assert.is(both.alpnProtocol, "h2");
    both.destroy();
  }));

test("HTTP/2 without having agreed on it, and HTTP/1 after having agreed on HTTP/2, end the connection", () =>
  withTls(async (port) => {
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert.match(await exchange(await secure(port), preface), /^HTTP\/1\.1 400 /);
    const socket = await secure(port, { ALPNProtocols: ["h2"] });
    // It is answered as what it is.
    assert.match(await exchange(socket, get), /^HTTP\/1\.1 200 /);
    assert.is(await getByHttp2(port.url), "hello");
  }));

test("versions before 1.2, protocols that are not served, and clients without TLS are refused, and the port goes on", () =>
  withTls(async (port, failures) => {
    for (const options of [
      { maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" },
      { ALPNProtocols: ["spdy/3"] },
    ] as ConnectionOptions[]) {
      const before = failures.length;
      const failure = await secure(port, options).catch((error: unknown) => error);
      assert.instance(failure, Error);
      await waitUntil("it is noted", () => failures.length === before + 1);
    }
    const plain = await port.connect();
    plain.socket.write(get);
    await plain.closed;
    assert.is(failures.length, 3);
    for (const { address, code } of failures) {
      assert.is(address, "127.0.0.1");
      assert.match(code, /^ERR_SSL_/);
    }
    assert.is(await getByHttp2(port.url), "hello");
  }));

test("a connection that never shakes hands, or stops amid it, is given up after the time for it", () =>
  withTls(
    async (port, failures) => {
      const silent = await port.connect();
      const started = await port.connect();
      // The beginning of a ClientHello.
      started.socket.write(Buffer.from("16030100f0010000ec0303", "hex"));
      await Promise.all([silent.closed, started.closed]);
      assert.equal(
        failures.map(({ code }) => code),
        ["ERR_TLS_HANDSHAKE_TIMEOUT", "ERR_TLS_HANDSHAKE_TIMEOUT"],
      );
      await waitUntil("none is left", () => port.port.connections === 0);
    },
    { handshakeTimeoutMs: 50 },
  ));

test("a connection that is shaking hands, or has said nothing since, does not keep the port from closing", () =>
  withTls(async (port) => {
    const silent = await port.connect();
    const idle = await secure(port);
    const idleHttp2 = await secure(port, { ALPNProtocols: ["h2"] });
    const closed = [idle, idleHttp2].map((socket) => once(socket, "close"));
    await waitUntil("they are accepted", () => port.port.connections === 3);
    await port.port.close(2 ** 31 - 1);
    await Promise.all([silent.closed, ...closed]);
  }));

test("calls that run when the port closes are answered, over both versions of HTTP", async () => {
  const waiting: (() => void)[] = [];
  await withTls(
    async (port) => {
      const http2 = getByHttp2(port.url);
      const http1 = new Promise<string>((resolve, reject) => {
        request(port.url, { ca: authority.cert, agent: false }, async (response) => {
          let body = "";
          for await (const chunk of response) {
            body += chunk;
          }
          resolve(body);
        })
          .on("error", reject)
          .end();
      });
      await waitUntil("both run", () => waiting.length === 2);
      const closing = port.port.close(2 ** 31 - 1);
      for (const answer of waiting) {
        answer();
      }
      assert.equal(await Promise.all([http1, http2]), ["hello", "hello"]);
      await closing;
      assert.is(port.port.connections, 0);
    },
    { handler: (_, response) => waiting.push(() => response.end("hello")) },
  );
});

test("where certificates are required, a connection without a good one is closed before it says anything", async () => {
  const elsewhere = await createAuthority("another");
  const bad: Record<string, Partial<TestCertificate>> = {
    none: {},
    "another authority's": await elsewhere.issue({ name: "a" }),
    "its own": await createSelfSigned({ name: "a" }),
    expired: await authority.issue({ name: "a", validTo: new Date(Date.now() - 1000) }),
  };
  const good = await authority.issue({ name: "a" });
  let calls = 0;
  await withTls(
    async (port, failures) => {
      for (const [name, certificate] of Object.entries(bad)) {
        assert.is(await exchange(await secure(port, certificate), get), "", name);
      }
      assert.is(calls, 0);
      assert.equal(
        failures.map(({ code }) => code),
        Object.keys(bad).map(() => "NO_VALID_CLIENT_CERTIFICATE"),
      );
      assert.match(await exchange(await secure(port, good), get), "hello");
      assert.is(await getByHttp2(port.url, good), "hello");
    },
    {
      clientCertificate: "required",
      handler: (_, response) => {
        calls++;
        response.end("hello");
      },
    },
  );
});

test("who was taken once is not taken again by resuming, when the authorities have changed", async () => {
  const elsewhere = await createAuthority("another");
  const good = { ...(await authority.issue({ name: "a" })), maxVersion: "TLSv1.2" } as const;
  await withTls(
    async (port, failures, tls) => {
      const first = await secure(port, good);
      const session = first.getSession();
      assert.ok(session !== undefined);
      first.destroy();
      const again = await secure(port, { ...good, session });
      assert.ok(again.isSessionReused());
      assert.match(await exchange(again, get), "hello");
      tls.use({ ...own, ca: elsewhere.cert });
      const refused = secure(port, { ...good, session }).then((socket) => exchange(socket, get));
      assert.is(await refused.catch(() => ""), "");
      assert.is(failures.at(-1)?.code, "NO_VALID_CLIENT_CERTIFICATE");
    },
    { clientCertificate: "required" },
  );
});

test.run();
