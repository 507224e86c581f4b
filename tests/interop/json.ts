export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** The same JSON with every text, and every field of an object, as it is given back. Undefined leaves a field out. */
export function mapJson(json: Json, map: (value: Json, field: string | undefined) => Json | undefined): Json {
  const visit = (value: Json, field?: string): Json | undefined => {
    const mapped = map(value, field);
    if (Array.isArray(mapped)) {
      return mapped.map((each: Json) => visit(each) ?? null);
    }
    if (typeof mapped === "object" && mapped !== null) {
      const fields = Object.entries(mapped).map(([name, each]) => [name, visit(each, name)] as const);
      return Object.fromEntries(fields.filter((each): each is [string, Json] => each[1] !== undefined));
    }
    return mapped;
  };
  return visit(json) ?? null;
}
