// A JSON merge patch (RFC 7386) of what an operator changed in a state.
import type { Node } from "../../lib/json";
import { diff } from "../../parts/diff";

// mergePatch makes one value into another: objects are merged, null removes a member, and
// anything else replaces what is there. It returns undefined if the values are equal.
export function mergePatch(before: Node | undefined, now: Node): Node | undefined {
  if (before?.kind !== "object" || now.kind !== "object") return diff(before, now) && now;
  const was = new Map(before.entries);
  const entries: [string, Node][] = [];
  for (const [name, value] of now.entries) {
    const part = mergePatch(was.get(name), value);
    if (part) entries.push([name, part]);
    was.delete(name);
  }
  for (const name of was.keys()) entries.push([name, { kind: "literal", text: "null" }]);
  return entries.length > 0 ? { kind: "object", entries } : undefined;
}
