import { EventEmitter } from "node:events";
import { type DynakvClient, utf8 } from "../../client/src/index.js";

type KeyvEntry = { readonly key: string; readonly value: string; readonly ttl?: number; readonly expires?: number };

/** A store of Keyv 5, or of 6, which names a deadline in place of a time to live, and leaves the namespace to its store. */
export class KeyvDynakv extends EventEmitter {
  namespace: string | undefined;
  /** Keyv 5 iterates over stores of the dialects that it knows alone. */
  readonly opts = { dialect: "redis", url: "" };
  readonly capabilities = { expires: true };
  readonly #client: DynakvClient;
  readonly #version: 5 | 6;
  readonly #root = "keyv:";

  constructor(client: DynakvClient, version: 5 | 6) {
    super();
    this.#client = client;
    this.#version = version;
  }
  get #scope(): string {
    return this.namespace === undefined ? this.#root : `${this.#root}${this.namespace}:`;
  }
  get #values() {
    return this.#client.keyspace(this.#version === 5 ? this.#root : this.#scope, utf8);
  }
  /** What has passed already is written to be gone at once. */
  #toExpiry(time: number | null | undefined) {
    const ms = typeof time !== "number" ? undefined : this.#version === 5 ? time : time - Date.now();
    return { expiry: ms === undefined ? ("never" as const) : { seconds: Math.max(1, ms) / 1000 } };
  }

  get = async (key: string) => (await this.#values.get(key))?.value;
  set = async (key: string, value: string, time?: number) =>
    (await this.#values.set(key, value, this.#toExpiry(time))).etag !== "";
  has = (key: string) => this.#values.has(key);
  delete = (key: string) => this.#values.delete(key);
  clear = async () => void (await this.#client.deletePrefix(this.#scope));
  getMany = (keys: string[]) => Promise.all(keys.map(this.get));
  hasMany = (keys: string[]) => Promise.all(keys.map(this.has));

  async setMany(entries: readonly KeyvEntry[]) {
    const all = entries.map(({ key, value, ttl, expires }) => ({ key, value, ...this.#toExpiry(ttl ?? expires) }));
    return all.map(() => true, await this.#values.mset(all));
  }
  async deleteMany(keys: readonly string[]) {
    const existed: boolean[] = [];
    for await (const { index, answer } of this.#values.mdelete(keys)) {
      existed[index] = answer.existed;
    }
    return this.#version === 5 ? existed.every(Boolean) : existed;
  }
  async *iterator() {
    const stripped = this.#version === 5 ? this.#scope.slice(this.#root.length) : "";
    for await (const { key, entry } of this.#client.keyspace(this.#scope, utf8).scan({ consistency: "strong" })) {
      yield [stripped + key, entry.value];
    }
  }
}
