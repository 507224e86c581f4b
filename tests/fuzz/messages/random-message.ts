import {
  create,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import type { Random } from "../../../server/test/support/random.js";
import { drawBytes, drawInteger, drawKey, drawLong, drawText } from "./odd-values.js";

/** A message that is right by its schema, with odd values in its fields. */
export function drawMessage<Desc extends DescMessage>(random: Random, schema: Desc, depth = 0): MessageShape<Desc> {
  const init: Record<string, unknown> = {};
  for (const member of schema.members) {
    if (member.kind === "oneof") {
      if (random.chance(0.9)) {
        const field = random.pick(member.fields);
        init[member.localName] = { case: field.localName, value: drawField(random, field, depth) };
      }
    } else if (random.chance(chanceOf(member))) {
      init[member.localName] = drawField(random, member, depth);
    }
  }
  return create(schema, init as MessageInitShape<Desc>);
}

/** A key nearly always: without one, nothing else of a request is looked at. The rest sometimes, lest all be refused. */
function chanceOf({ name }: DescField): number {
  return name === "key" || name === "keys" || name === "value" ? 0.97 : 0.35;
}

function drawField(random: Random, field: DescField, depth: number): unknown {
  switch (field.fieldKind) {
    case "message":
      return depth > 4 ? undefined : drawMessage(random, field.message, depth + 1);
    case "enum":
      return random.chance(0.8) ? random.below(4) : drawInteger(random);
    case "scalar":
      return drawScalar(random, field.scalar, field.name);
    case "list":
      return Array.from({ length: drawLength(random) }, () =>
        field.listKind === "scalar" ? drawScalar(random, field.scalar, field.name) : undefined,
      ).filter((each) => each !== undefined);
    case "map":
      return {};
  }
}

function drawLength(random: Random): number {
  return random.chance(0.02) ? 500 + random.below(1000) : random.below(12);
}

function drawScalar(random: Random, type: ScalarType, name: string): unknown {
  switch (type) {
    case ScalarType.STRING:
      return name === "key" || name === "keys" ? drawKey(random) : drawText(random, name);
    case ScalarType.BYTES:
      return drawBytes(random);
    case ScalarType.BOOL:
      return random.chance(0.5);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return drawLong64(random);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return BigInt.asUintN(64, drawLong64(random));
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return drawInteger(random) >>> 0;
    default:
      return drawInteger(random);
  }
}

function drawLong64(random: Random): bigint {
  return BigInt.asIntN(64, drawLong(random));
}
