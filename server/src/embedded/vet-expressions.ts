/** DynamoDB's limit of an expression. */
const maxExpressionLength = 4096;

/**
 * Parenthesis nesting limit. dynalite's parser takes six times longer with each level that does not parse: half a
 * second for five, until it runs out of memory with twelve, which ends the process.
 */
const maxDepth = 6;

/**
 * Finds an expression that must not reach dynalite's parser, among the parameters of a request.
 *
 * @returns what is wrong with it, or undefined
 */
export function findHarmfulExpression(parameters: object): string | undefined {
  for (const [name, value] of Object.entries(parameters)) {
    const problem =
      name === "RequestItems" && isObject(value)
        ? Object.values(value).filter(isObject).map(findHarmfulExpression).find(Boolean)
        : name.endsWith("Expression") && typeof value === "string"
          ? findProblem(name, value)
          : undefined;
    if (problem !== undefined) {
      return problem;
    }
  }
  return undefined;
}

function findProblem(name: string, expression: string): string | undefined {
  if (expression.length > maxExpressionLength) {
    return `Invalid ${name}: Expression size has exceeded the maximum allowed size`;
  }
  let depth = 0;
  for (const character of expression) {
    depth += character === "(" ? 1 : character === ")" ? -1 : 0;
    if (depth > maxDepth) {
      return `Invalid ${name}: The expression nests parentheses deeper than ${maxDepth} levels`;
    }
  }
  return depth === 0 ? undefined : `Invalid ${name}: Syntax error; parentheses do not match`;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
