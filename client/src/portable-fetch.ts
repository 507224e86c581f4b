import { Code, ConnectError } from "@connectrpc/connect";

type Fetch = typeof globalThis.fetch;

const streamed = /^application\/(connect\+|grpc-web)/;

/**
 * Makes requests in the words that every platform's fetch knows, whatever Connect asks for. A redirect is an error, as in Connect; but
 * Cloudflare's fetch does not know `redirect: "error"`, so that redirects are looked for in the answers.
 *
 * @param given read with each request when it is not given, as tools that watch or replace `globalThis.fetch` expect
 */
export function portableFetch(given: Fetch | undefined): Fetch {
  return async (url, init) => {
    const answer = await (given ?? globalThis.fetch)(url, { ...init, redirect: "manual" });
    // A browser hides from pages what a redirect is, and shows a status of 0.
    if (answer.type === "opaqueredirect" || (answer.status >= 300 && answer.status < 400)) {
      throw new ConnectError("the server answers with a redirect: set address to where it leads", Code.Unknown);
    }
    // A fetch that knows no streams, such as React Native's, has answers without this property.
    if (answer.body === undefined && streamed.test(answer.headers.get("content-type") ?? "")) {
      throw new ConnectError(
        "fetch cannot stream here: mget, scan and the protocol grpc-web need one that can",
        Code.Unimplemented,
      );
    }
    return answer;
  };
}
