import type { Bounds, Rules } from "./rules.js";
import { stepsFrom } from "./steps.js";
import { firstWorld, type Invariant, keyOf, type World } from "./world.js";

export interface Violation {
  readonly invariant: Invariant;
  /** What happened, a line for each step. */
  readonly trace: string;
}

export interface Exploration {
  readonly violation: Violation | undefined;
  readonly states: number;
  /** Whether nothing was left to look at. */
  readonly whole: boolean;
  /** The labels that were seen, without their numbers. */
  readonly seen: ReadonlySet<string>;
}

interface Node {
  readonly world: World;
  readonly label: string;
  readonly before: Node | undefined;
}

/** Looks at every state within the bounds, nearest first, so that a violation comes with a shortest trace. */
export function exploreAll(rules: Rules, bounds: Bounds, limit = 2_000_000): Exploration {
  const context = { rules, bounds };
  const first = firstWorld(bounds);
  const visited = new Set([keyOf(first)]);
  const seen = new Set<string>();
  let edge: Node[] = [{ world: first, label: "", before: undefined }];
  while (edge.length > 0) {
    const next: Node[] = [];
    for (const node of edge) {
      for (const { label, world } of stepsFrom(node.world, context)) {
        const reached = { world, label, before: node };
        seen.add(label.replace(/\d+/g, "#"));
        if (world.broken) {
          return { violation: violationOf(labelsTo(reached), world), states: visited.size, whole: false, seen };
        }
        const key = keyOf(world);
        if (!visited.has(key)) {
          visited.add(key);
          next.push(reached);
        }
      }
      if (visited.size > limit) {
        return { violation: undefined, states: visited.size, whole: false, seen };
      }
    }
    edge = next;
  }
  return { violation: undefined, states: visited.size, whole: true, seen };
}

function labelsTo(node: Node): string[] {
  const labels: string[] = [];
  for (let at: Node | undefined = node; at?.before; at = at.before) {
    labels.unshift(at.label);
  }
  return labels;
}

function violationOf(labels: readonly string[], { broken }: World): Violation | undefined {
  return (
    broken && {
      invariant: broken.invariant,
      trace: [...labels, `${broken.invariant}: broken, ${broken.how}`].map((line) => `    ${line}`).join("\n"),
    }
  );
}
