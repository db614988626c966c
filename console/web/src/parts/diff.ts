// What changed from one state of a match to the next.
import type { Node } from "../lib/json";

export interface Diff {
  change?: "added" | "changed"; // of the value itself
  inside?: Map<string, Diff>; // of an object's or a list's elements that differ
  removed?: [string, Node][]; // elements that are gone
}

// diff compares two values; undefined if they are equal. Elements of lists are compared
// by their place.
export function diff(before: Node | undefined, now: Node): Diff | undefined {
  if (before === now) return undefined;
  if (!before) return { change: "added" };
  if (before.kind !== now.kind) return { change: "changed" };
  switch (now.kind) {
    case "object":
    case "array": {
      const was = new Map(elements(before));
      const inside = new Map<string, Diff>();
      for (const [name, value] of elements(now)) {
        const d = diff(was.get(name), value);
        if (d) inside.set(name, d);
        was.delete(name);
      }
      return inside.size > 0 || was.size > 0 ? { inside, removed: [...was] } : undefined;
    }
    case "string":
      return now.value === (before as typeof now).value ? undefined : { change: "changed" };
    default:
      return now.text === (before as typeof now).text ? undefined : { change: "changed" };
  }
}

// elements are the named parts of an object or a list.
export function elements(node: Node): [string, Node][] {
  if (node.kind === "object") return node.entries;
  if (node.kind === "array") return node.items.map((item, i) => [String(i), item]);
  return [];
}
