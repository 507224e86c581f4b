import { randomBytes } from "node:crypto";

/** Random strings, each planted in one place, that are to be found nowhere else. */
export interface PlantedSecrets {
  /** A new one, for a place. */
  plant(place: string): string;
  /** Where planted ones came out: each place with the text around it. */
  findIn(where: string, text: string | Buffer): string[];
}

export function createPlantedSecrets(): PlantedSecrets {
  const planted = new Map<string, string>();
  return {
    plant(place) {
      const secret = `planted${randomBytes(12).toString("hex")}`;
      planted.set(secret, place);
      return secret;
    },
    findIn(where, text) {
      const haystack = text.toString("latin1");
      return [...planted].flatMap(([secret, place]) =>
        formsOf(secret).flatMap((form) => {
          const at = haystack.indexOf(form);
          return at === -1 ? [] : [`${place} in ${where}: ${haystack.slice(Math.max(0, at - 60), at + 20)}`];
        }),
      );
    },
  };
}

/** As it is, as base64 has it at each of three places, and in hexadecimal. The random part alone is looked for. */
function formsOf(secret: string): string[] {
  const random = secret.slice("planted".length);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.from("x".repeat(shift) + random)
      .toString("base64")
      // The first characters and the last depend on what is beside it.
      .slice(4, -4),
  );
  return [random, ...base64, Buffer.from(random).toString("hex")];
}
