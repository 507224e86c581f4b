import type { Http2Session } from "node:http2";
import { Http2SessionManager } from "@connectrpc/connect-node";

/**
 * A manager of HTTP/2 sessions whose sessions cannot end the process. Connect's manager destroys a session, with an error, that gets
 * a GOAWAY while nothing runs, and stops to listen when a call then opens another one; Node tells the error later than that,
 * when the socket is closed, and an `error` that nobody hears is thrown. So here somebody always listens.
 */
export function createGuardedSessions(
  ...options: ConstructorParameters<typeof Http2SessionManager>
): Http2SessionManager {
  const manager = new Http2SessionManager(...options);
  const guarded = new WeakSet<Http2Session>();
  const request = manager.request.bind(manager);
  manager.request = async (...call) => {
    const stream = await request(...call);
    const { session } = stream;
    if (session !== undefined && !guarded.has(session)) {
      guarded.add(session);
      // What has gone wrong shows in the calls.
      session.on("error", () => {});
    }
    return stream;
  };
  return manager;
}
