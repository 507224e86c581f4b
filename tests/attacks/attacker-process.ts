/** An attacker in a process of its own: counts how its calls have ended. */
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { connect as connectSocket, type Socket } from "node:net";
import { constants as osConstants, setPriority } from "node:os";
import { answerQuestions } from "../../tools/process-monitor/answer.js";
import { attacks, type CallOptions } from "./attacks.js";

/** How often calls have ended so: a status of gRPC, the name of a reset, or open. */
export type Ends = Readonly<Record<string, number>>;

const resetNames = new Map(
  Object.entries(constants)
    .filter(([name]) => /^NGHTTP2_(NO_ERROR|.*_ERROR|REFUSED_STREAM|CANCEL|ENHANCE_YOUR_CALM)$/.test(name))
    .map(([name, code]) => [code, name.replace("NGHTTP2_", "")]),
);

/** Another address than the ordinary caller's: where nobody is asked who he is, an address is a caller, and has its own limit. */
const localAddress = process.platform === "linux" ? "127.0.0.2" : undefined;

const ends: Record<string, number> = {};
const sessions = new Set<ClientHttp2Session>();
/** Those that were ended here: their calls have not ended otherwise. */
const left = new WeakSet<ClientHttp2Session>();
const sockets = new Set<Socket>();
/** The attack that goes on. */
let current = { goesOn: false, stop: () => {}, stopped: Promise.resolve() };

function count(end: string): void {
  ends[end] = (ends[end] ?? 0) + 1;
}

function call(
  url: string,
  session: ClientHttp2Session,
  method: string,
  body: Uint8Array,
  options: CallOptions = {},
): void {
  if (session.destroyed || session.closed) {
    return;
  }
  const { encoding, contentType = "application/grpc+proto", isUnfinished = false, isRead = false } = options;
  const stream = session.request(
    {
      ":method": "POST",
      ":path": `/dynakv.v1.KeyValueService/${method}`,
      ":authority": new URL(url).host,
      "content-type": contentType,
      te: "trailers",
      ...(encoding && { "grpc-encoding": encoding }),
    },
    { endStream: false },
  );
  let status: string | undefined;
  const note = (headers: Record<string, unknown>) => {
    const [code, details] = [headers["grpc-status"], headers["grpc-status-details-bin"]];
    status = code === undefined ? status : `${code}${code === "0" || details !== undefined ? "" : " untyped"}`;
  };
  stream.on("response", note);
  stream.on("trailers", note);
  stream.on("error", () => {});
  stream.on("close", () => {
    if (current.goesOn && !left.has(session)) {
      count(status ?? resetNames.get(stream.rstCode) ?? String(stream.rstCode));
    }
  });
  stream.write(body);
  if (!isUnfinished) {
    stream.end();
  }
  if (isRead) {
    stream.resume();
  }
}

// Attackers are elsewhere: what they spend is not to be taken from the server, its engine and its ordinary caller.
setPriority(osConstants.priority.PRIORITY_LOW);

answerQuestions({
  attack({ url, name }: { url: string; name: string }): void {
    const attack = attacks.find((each) => each.name === name);
    let stop = () => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const round = { goesOn: true, stop, stopped };
    current = round;
    void attack?.run({
      call: (...args) => call(url, ...args),
      session(initialWindowSize = 0) {
        const session = connect(url, {
          settings: { initialWindowSize },
          createConnection: ({ hostname, port }) => connectSocket({ host: hostname, port: Number(port), localAddress }),
        });
        session.on("error", () => count("connection lost"));
        sessions.add(session);
        session.once("close", () => sessions.delete(session));
        return session;
      },
      leave(session) {
        left.add(session);
        session.destroy();
      },
      socket() {
        const { hostname, port } = new URL(url);
        const socket = connectSocket({ port: Number(port), host: hostname, localAddress });
        socket.pause();
        socket.on("error", () => count("connection lost"));
        socket.on("close", () => sockets.delete(socket));
        sockets.add(socket);
        return socket;
      },
      pause: (milliseconds) =>
        Promise.race([round.stopped, new Promise<void>((resolve) => setTimeout(resolve, milliseconds))]),
      get goesOn() {
        return round.goesOn;
      },
    });
  },
  /** Tells how all calls have ended so far. */
  stop(): Ends {
    current.goesOn = false;
    current.stop();
    for (const each of [...sessions, ...sockets]) {
      each.destroy();
    }
    return ends;
  },
});
