import { Code, ConnectError } from "@connectrpc/connect";
import { type Client, connectivityState as states } from "@grpc/grpc-js";
import { noteSent, noteUnsent } from "../unsent.js";
import { untilAborted } from "../until-aborted.js";

/** The channel of @grpc/grpc-js to one server. */
export interface GrpcJsChannel {
  readonly target: string;
  /** Resolves with the channel once it is connected; rejects when it cannot be. */
  ready(request: Waiting): Client | Promise<Client>;
  close(): void;
}

/** A request, and the signal by which it may stop to wait. */
interface Waiting {
  readonly message: object;
  readonly signal: AbortSignal;
}

/** A channel that waits no longer than this for a connection, in milliseconds, before another one is opened in its place. */
export function createGrpcJsChannel(open: (isAnother: boolean) => Client, connectMs: number): GrpcJsChannel {
  let client = open(false);

  async function connect({ message, signal }: Waiting): Promise<Client> {
    const asked = client;
    noteUnsent(message);
    const state = await untilAborted(signal, settle(asked.getChannel(), Date.now() + connectMs));
    if (state !== states.READY && state !== states.TRANSIENT_FAILURE) {
      // It would wait for ever for an answer of whoever has taken its connection.
      if (client === asked) {
        client = open(true);
        asked.close();
      }
      throw noteUnsent(new ConnectError(`no connection within ${connectMs} ms`, Code.Unavailable));
    }
    noteSent(message);
    return asked;
  }

  return {
    target: client.getChannel().getTarget(),
    ready: (request) => (client.getChannel().getConnectivityState(false) === states.READY ? client : connect(request)),
    close: () => client.close(),
  };
}

/** The state once it is neither idle nor connecting, or what it is at the deadline. */
function settle(channel: ReturnType<Client["getChannel"]>, deadline: number): Promise<states> {
  return new Promise((resolve) => {
    const watch = () => {
      const state = channel.getConnectivityState(true);
      if (state === states.IDLE || state === states.CONNECTING) {
        channel.watchConnectivityState(state, deadline, (error) => (error === undefined ? watch() : resolve(state)));
      } else {
        resolve(state);
      }
    };
    watch();
  });
}
