import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import type { Attempt } from "./bad-attempts.js";
import type { GuardedServers, GuardedServersOptions } from "./guarded-servers.js";
import { sendForm, type WireAnswer, type WireCall, type WireForm, wireForms } from "./wire-forms.js";

const { get, set, mGet, scan, delete: remove, incr, touch } = KeyValueService.method;
/** The methods that answer a call as a whole. */
export const methods = [get, set, mGet, scan, remove, incr, touch];

const everything = ["read", "write", "delete"];
/** The callers of the tests about access, each with a token, and what they may do. */
export const callersOfTests: GuardedServersOptions = {
  tokens: {
    orders: {},
    reader: {},
    remover: {},
    mixed: {},
    "only-read": {},
    "only-write": {},
    "only-delete": {},
    stranger: {},
    expired: { expires: new Date(Date.now() - 1000) },
  },
  policy: {
    rules: [
      {
        identities: ["token:orders", "jwt:alice", "jwt:group-7", "certificate:billing.internal", "certificate:billing"],
        rights: everything,
        prefixes: ["orders:"],
      },
      { identities: ["token:reader"], rights: ["read"], prefixes: ["orders:", "öffentlich:"] },
      { identities: ["token:remover"], rights: ["delete"], prefixes: [""] },
      { identities: ["token:mixed", "token:only-read"], rights: ["read"], prefixes: ["r:"] },
      { identities: ["token:mixed", "token:only-write"], rights: ["write"], prefixes: ["w:"] },
      { identities: ["token:mixed", "token:only-delete"], rights: ["delete"], prefixes: ["d:"] },
    ],
  },
};

export type Method = (typeof methods)[number] | (typeof Health.methods)[number];
export const pathOf = (method: Method) => `/${method.parent.typeName}/${method.name}`;

let lastAddress = 255;
/** Another address of this machine for each connection, where there are more than one: each address is slowed by itself. */
function nextAddress(): string | undefined {
  return addressOf(++lastAddress);
}

/** One of many addresses of this machine; undefined where it has one alone. */
export function addressOf(nth: number): string | undefined {
  return process.platform === "linux" ? `127.1.${nth >> 8}.${nth & 255}` : undefined;
}

/** Every combination of method and form that there is. */
export function formsOf(some: readonly Method[]): [Method, WireForm][] {
  return some.flatMap((method) =>
    wireForms
      .filter(({ name, kinds }) => kinds.includes(method.methodKind) && (name !== "Connect GET" || isRead(method)))
      .map((form): [Method, WireForm] => [method, form]),
  );
}

function isRead({ idempotency }: Method): boolean {
  return idempotency === 1;
}

/** Calls a method in a form, as somebody who has what the attempt says. Without a message no body is sent. */
export function sendByForm(
  servers: GuardedServers,
  form: WireForm,
  method: Method,
  message: Record<string, unknown> | undefined,
  attempt: Attempt,
): Promise<WireAnswer> {
  const from = nextAddress();
  const call: WireCall = {
    url: attempt.certificate === undefined ? servers.plain : servers.secure,
    path: `${pathOf(method)}${attempt.query ?? ""}`,
    headers: attempt.headers ?? {},
    body: message === undefined ? undefined : form.encode(method, message),
    ...(attempt.certificate === undefined ? {} : { tls: { ca: servers.authority.cert, ...attempt.certificate } }),
    ...(from === undefined ? {} : { from }),
  };
  return sendForm(form, call);
}

/** All of them at once, in groups that no server finds too many. */
export async function inGroups<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += 40) {
    await Promise.all(items.slice(from, from + 40).map(run));
  }
}

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never;
/** {@link sendByForm} to the servers of a test. */
export type FormSender = (...call: Tail<Parameters<typeof sendByForm>>) => Promise<WireAnswer>;
