import { compressionKind } from "./inputs/compression.js";
import { envelopesKind } from "./inputs/envelopes.js";
import { fieldsKind } from "./inputs/fields.js";
import { headersKind } from "./inputs/headers.js";
import { http1Kind } from "./inputs/http1.js";
import { http2FloodsKind } from "./inputs/http2-floods.js";
import { http2FramesKind } from "./inputs/http2-frames.js";
import { jsonKind } from "./inputs/json.js";
import { noiseKind } from "./inputs/noise.js";
import { openEndsKind } from "./inputs/open-ends.js";
import { protobufKind } from "./inputs/protobuf.js";
import { urlsKind } from "./inputs/urls.js";
import type { InputKind } from "./kind.js";

/** Every kind of input over the wire. */
export const inputKinds: readonly InputKind[] = [
  http2FramesKind,
  http2FloodsKind,
  http1Kind,
  envelopesKind,
  compressionKind,
  headersKind,
  openEndsKind,
  protobufKind,
  jsonKind,
  urlsKind,
  fieldsKind,
  noiseKind,
];
