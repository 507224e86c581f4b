import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";

/** Finds the HTTP/2 sessions that have ended without a word, and closes their connections. */
export interface DeadSessions {
  /** Watches a session until it is closed. The socket is its connection, not the stand-in that it shows. */
  watch(session: ServerHttp2Session, socket: Socket): void;
  stop(): void;
}

interface Watched {
  readonly socket: Socket;
  /** Number of bytes that had come in all, at the last probe and when it last showed that it lives. */
  seen: number;
  alive: number;
  isAsked: boolean;
  /** Number of probes ago it was asked. */
  probes: number;
  /** Number of bytes that had been sent at the last probe. */
  sent: number;
  /** Probes during which output was pending and nothing was sent. */
  stuckProbes: number;
  /** Probes since it ended without being closed. Its socket is gone. */
  endedProbes: number;
}

/** After how many probes one that has not answered is asked again: twenty seconds at half a second each. */
const probesPerRepeat = 40;
/** Number of probes one that has ended has to close its connection in. */
const endingProbes = 20;
/**
 * Consecutive probes without progress of pending output. After one alone, it may have been queued right before, after a
 * while without an answer.
 */
const stuckProbes = 2;
/** Size of a PING ack: nine bytes of frame header, eight of payload. */
const confirmationBytes = 17;

/**
 * After an error of its client's that forbids to go on, such as a frame on a stream that never was, Node says GOAWAY, reads no
 * more, and leaves it at that: it neither closes the session nor tells, and does not notice when the client has left. Session
 * and socket would stay for good. Such a session sends nothing any more, and that is how it is found: a ping stays in its queue
 * although the connection takes more. One probe alone does not tell: what is answered waits in the same queue until the turn of the event
 * loop ends, and on a busy one a probe comes before that. Nor does Node notice a reset that comes while it writes: then the system
 * knows of nobody at the other end, and a session that has ended waits for that write before it closes its socket.
 *
 * Who does not confirm a ping is not cut for it: its event loop may stand still. A host that has vanished is left to TCP's keepalive.
 *
 * Asked is who has sent something and then fallen silent, once. So a client that is idle is not pinged again, and one that has
 * stopped reading is left alone: there, bytes wait for it.
 */
export function createDeadSessions(everyMs: number): DeadSessions {
  const sessions = new Map<ServerHttp2Session, Watched>();
  const timer = setInterval(probe, everyMs).unref();

  function probe(): void {
    for (const [session, watched] of sessions) {
      if (session.destroyed) {
        if (++watched.endedProbes > endingProbes) {
          watched.socket.destroy();
        }
        continue;
      }
      const { bytesRead, bytesWritten } = session.socket;
      if (watched.isAsked) {
        const handle = handleOf(session);
        const takesMore = handle?.writeQueueSize === 0;
        const isStuck = takesMore && (session.state.outboundQueueSize ?? 0) > 0 && bytesWritten === watched.sent;
        watched.stuckProbes = isStuck ? watched.stuckProbes + 1 : 0;
        // It may have died after the ping was sent: another one stays in the queue then.
        if (++watched.probes % probesPerRepeat === 0) {
          session.ping(() => {});
        }
        if (watched.stuckProbes >= stuckProbes || handle?.getpeername?.({}) !== 0) {
          session.destroy();
        }
      } else if (bytesRead !== watched.alive && bytesRead === watched.seen) {
        watched.probes = 0;
        watched.stuckProbes = 0;
        watched.isAsked = session.ping(() => {
          watched.isAsked = false;
          // Not all that has come by now: it may have died by what came right behind its answer.
          watched.alive = watched.seen + confirmationBytes;
        });
      }
      watched.seen = bytesRead;
      watched.sent = bytesWritten;
    }
  }

  return {
    watch(session, socket) {
      sessions.set(session, {
        socket,
        seen: 0,
        alive: 0,
        isAsked: false,
        probes: 0,
        sent: 0,
        stuckProbes: 0,
        endedProbes: 0,
      });
      session.once("close", () => sessions.delete(session));
    },
    stop() {
      clearInterval(timer);
    },
  };
}

/**
 * The kernel's state of a connection, which Node does not expose: how much waits to be sent (sessions write past the socket, whose
 * `writableLength` is 0), and whether there is somebody at the other end (0) or not (an error).
 */
function handleOf({ socket }: ServerHttp2Session): Handle | undefined {
  return (socket as Socket & { readonly _handle?: Handle })._handle;
}

interface Handle {
  readonly writeQueueSize?: number;
  getpeername?(into: object): number;
}
