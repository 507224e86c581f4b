import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { InteropClient } from "../clients/client.js";
import type { Cell, Column } from "../column.js";
import { type Json, type JsonObject, mapJson } from "../json.js";
import type { Case } from "./case.js";
import { CaseNames } from "./case-names.js";
import { cases } from "./cases.js";

/** The answers of one client to each case, in the names of the case. */
export type Answers = ReadonlyMap<Case, readonly JsonObject[]>;

export async function answerCases(client: InteropClient): Promise<Answers> {
  const answers = new Map<Case, readonly JsonObject[]>();
  for (const each of cases) {
    answers.set(each, await answerCase(client, each));
  }
  return answers;
}

/** The column of a client: the same as the table of cases, and in the same words as the client that went first. */
export function compareAnswers(title: string, answers: Answers, first: Answers): Column {
  const cells = cases.map((each): Cell => {
    const [found, words] = [answers.get(each) ?? [], first.get(each) ?? []];
    const expected = each.steps.map(({ answer }) => answer);
    if (!isDeepStrictEqual(found.map(withoutTexts), expected)) {
      const problem = `answered ${JSON.stringify(found)}\n  expected ${JSON.stringify(expected)}`;
      return { row: each.name, text: "**differs**", problem };
    }
    if (!isDeepStrictEqual(found, words)) {
      const problem = `answered ${JSON.stringify(found)}\n  the first client ${JSON.stringify(words)}`;
      return { row: each.name, text: "**differs in words**", problem };
    }
    return { row: each.name, text: "same" };
  });
  return { table: "case", title, cells };
}

/** The column that says in short how each case ends: with its last error, if it has one. */
export function describeAnswers(): Column {
  const cells = cases.map(({ name, steps }): Cell => {
    const error = steps.findLast(({ answer }) => answer.code !== undefined)?.answer;
    const [detail] = (error?.details ?? []) as readonly JsonObject[];
    const reason = String(detail?.reason).replace("ERROR_REASON_", "");
    return { row: name, text: error === undefined ? "OK" : `${error.code}, ${reason}` };
  });
  return { table: "case", title: "answer", cells };
}

async function answerCase(client: InteropClient, { steps }: Case): Promise<readonly JsonObject[]> {
  // Always as long, for some errors tell the length of the key.
  const names = new CaseNames(`${randomBytes(8).toString("hex")}/`);
  const answers: JsonObject[] = [];
  for (const { method, request } of steps) {
    const answer = await client
      .call(method, names.fillIn(request))
      .catch((error: Error) => ({ failed: error.message }));
    answers.push(names.giveNames(withoutTime(answer)));
  }
  return answers;
}

/** Without the time of the server, which is another each time. */
function withoutTime(answer: JsonObject): JsonObject {
  return mapJson(answer, (value: Json, field) => (field === "serverTime" ? undefined : value)) as JsonObject;
}

/** Without what is for people, which the table of cases does not hold. */
function withoutTexts(answer: JsonObject): JsonObject {
  const texts = ["message", "description"];
  return mapJson(answer, (value: Json, field) => (texts.includes(field ?? "") ? undefined : value)) as JsonObject;
}
