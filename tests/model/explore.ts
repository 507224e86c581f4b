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

/** More would not fit into the memory of a test. */
const mostStates = 1_000_000;

interface Node {
  readonly world: World;
  readonly label: string;
  readonly before: Node | undefined;
}

/**
 * Looks at every state within the bounds, nearest first, so that a violation comes with a shortest trace. With `only`, a
 * state that breaks another invariant first is not followed.
 */
export function exploreAll(rules: Rules, bounds: Bounds, { only }: { only?: Invariant } = {}): Exploration {
  const context = { rules, bounds };
  const first = firstWorld(bounds);
  const visited = new Set([keyOf(first)]);
  const labels = new Set<string>();
  const result = (violation: Violation | undefined, whole: boolean): Exploration => ({
    violation,
    states: visited.size,
    whole,
    seen: new Set([...labels].map((label) => label.replace(/\d+/g, "#"))),
  });
  let edge: Node[] = [{ world: first, label: "", before: undefined }];
  while (edge.length > 0) {
    const next: Node[] = [];
    for (const node of edge) {
      for (const { label, world } of stepsFrom(node.world, context)) {
        const reached = { world, label, before: node };
        labels.add(label);
        if (world.broken && world.broken.invariant !== (only ?? world.broken.invariant)) {
          continue;
        }
        if (world.broken) {
          return result(violationOf(labelsTo(reached), world), false);
        }
        const key = keyOf(world);
        if (!visited.has(key)) {
          visited.add(key);
          next.push(reached);
        }
      }
      if (visited.size > mostStates) {
        return result(undefined, false);
      }
    }
    edge = next;
  }
  return result(undefined, true);
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

/** Walks at random, by seed, through bounds that are too wide to look at whole. */
export function exploreAtRandom(rules: Rules, bounds: Bounds, seed: number, walks: number): Violation | undefined {
  const context = { rules, bounds };
  const random = randomFrom(seed);
  for (let walk = 0; walk < walks; walk++) {
    const labels: string[] = [];
    let world = firstWorld(bounds);
    for (;;) {
      const steps = stepsFrom(world, context);
      const step = steps[Math.floor(random() * steps.length)];
      if (step === undefined) {
        break;
      }
      labels.push(step.label);
      world = step.world;
      if (world.broken) {
        return shortened(labels, world, context);
      }
    }
  }
  return undefined;
}

/** Leaves out every step without which the violation is still there. */
function shortened(
  labels: readonly string[],
  broken: World,
  context: { rules: Rules; bounds: Bounds },
): Violation | undefined {
  let shortest = { labels, world: broken };
  for (let at = 0; at < shortest.labels.length; ) {
    const world = replayed(shortest.labels.toSpliced(at, 1), context);
    if (world?.broken) {
      shortest = { labels: shortest.labels.toSpliced(at, 1), world };
      at = 0;
    } else {
      at++;
    }
  }
  return violationOf(shortest.labels, shortest.world);
}

/** The world after these steps; undefined when one of them cannot happen. */
function replayed(labels: readonly string[], context: { rules: Rules; bounds: Bounds }): World | undefined {
  let world: World | undefined = firstWorld(context.bounds);
  for (const label of labels) {
    world = world && stepsFrom(world, context).find((step) => step.label === label)?.world;
  }
  return world;
}

/** A small generator of random numbers from 0 to 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
