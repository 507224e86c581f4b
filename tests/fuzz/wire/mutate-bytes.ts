import type { Random } from "../../../server/test/support/random.js";

const oddBytes = [0, 1, 0x0a, 0x0d, 0x20, 0x22, 0x7f, 0x80, 0xc0, 0xfe, 0xff];
const oddNumbers = [0, 1, 0x7f, 0x80, 0xff, 0x4000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

export function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

/** The bytes with one to four changes: bits, bytes, numbers and ranges that are flipped, cut, doubled, moved or put in. */
export function mutateBytes(random: Random, bytes: Uint8Array): Buffer {
  let mutated = Buffer.from(bytes);
  for (let times = 1 + random.below(4); times > 0; times--) {
    mutated = random.pick(mutations)(random, mutated);
  }
  return mutated;
}

type Mutation = (random: Random, bytes: Buffer) => Buffer<ArrayBuffer>;

const mutations: readonly Mutation[] = [
  (random, bytes) => change(bytes, (copy, at) => (copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8))), random),
  (random, bytes) => change(bytes, (copy, at) => (copy[at] = random.pick(oddBytes)), random),
  (random, bytes) => change(bytes, (copy, at) => (copy[at] = random.below(256)), random),
  (random, bytes) => (bytes.length < 4 ? copyOf(bytes) : writeNumber(random, bytes)),
  (random, bytes) => copyOf(bytes.subarray(0, random.below(bytes.length + 1))),
  (random, bytes) => {
    const [from, to] = drawRange(random, bytes);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  (random, bytes) => {
    const [from, to] = drawRange(random, bytes);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  (random, bytes) => {
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), randomBytes(random, 1 + random.below(16)), bytes.subarray(at)]);
  },
];

function copyOf(bytes: Buffer): Buffer<ArrayBuffer> {
  return Buffer.concat([bytes]);
}

function change(bytes: Buffer, at: (copy: Buffer, index: number) => void, random: Random): Buffer<ArrayBuffer> {
  const copy = copyOf(bytes);
  if (copy.length > 0) {
    at(copy, random.below(copy.length));
  }
  return copy;
}

function writeNumber(random: Random, bytes: Buffer): Buffer<ArrayBuffer> {
  const copy = copyOf(bytes);
  copy.writeUInt32BE(random.pick(oddNumbers), random.below(bytes.length - 3));
  return copy;
}

function drawRange(random: Random, bytes: Buffer): [number, number] {
  const from = random.below(bytes.length + 1);
  return [from, from + random.below(Math.min(64, bytes.length - from) + 1)];
}
