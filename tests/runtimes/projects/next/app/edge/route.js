import * as dynakv from "@dynakv/client";
import { calls } from "../../calls.mjs";

export const runtime = "edge";

export async function GET(request) {
  return new Response(await calls(dynakv, new URL(request.url).searchParams.get("address")));
}
