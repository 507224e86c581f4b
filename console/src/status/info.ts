import type { GetInfoResponse } from "@dynakv/client/schema";
import { type Failure, toFailure } from "../connection/failure.js";
import { client } from "../connection/session.js";
import { createStore, type Store } from "../store.js";

/** What the server says of itself; undefined as long as it has not. */
export const serverInfo: Store<GetInfoResponse | undefined> = createStore(undefined);
export const infoFailure: Store<Failure | undefined> = createStore(undefined);

export async function loadInfo(): Promise<void> {
  const asked = client.current;
  try {
    const info = await asked.info();
    serverInfo.set(info);
    infoFailure.set(undefined);
  } catch (error) {
    // Another token may have been given meanwhile.
    if (asked === client.current) {
      infoFailure.set(toFailure(error));
    }
  }
}

client.subscribe(() => void loadInfo());
