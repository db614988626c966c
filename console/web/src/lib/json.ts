// JSON without losses: numbers are kept as they are written, so 64-bit integers keep all
// their digits, which they do not in JSON.parse.

export type Node =
  | { kind: "object"; entries: [string, Node][] }
  | { kind: "array"; items: Node[] }
  | { kind: "string"; value: string }
  | { kind: "number"; text: string }
  | { kind: "literal"; text: "true" | "false" | "null" };

// JsonError is a mistake in a text, with its offset.
export class JsonError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

const space = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const word = /true|false|null/y;

// parse reads a text. It throws a JsonError.
export function parse(text: string): Node {
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const skip = () => void take(space);
  const fail = (wanted: string): never => {
    const found = at < text.length ? `found ${JSON.stringify(text[at])}` : "the text ends";
    throw new JsonError(`${wanted} expected, but ${found}`, at);
  };
  const quoted = (wanted: string): string => JSON.parse(take(string) ?? fail(wanted));
  const next = (depth: number): Node => {
    skip();
    if (depth > 500) throw new JsonError("nested too deeply", at);
    switch (text[at]) {
      case "{": {
        at++;
        const entries: [string, Node][] = [];
        const names = new Set<string>();
        for (skip(); text[at] !== "}"; skip()) {
          if (entries.length > 0) {
            if (text[at] !== ",") fail("a comma or }");
            at++;
            skip();
          }
          const start = at;
          const name = quoted("a name in quotes");
          if (names.has(name)) throw new JsonError(`the name ${JSON.stringify(name)} is there twice`, start);
          names.add(name);
          skip();
          if (text[at] !== ":") fail("a colon");
          at++;
          entries.push([name, next(depth + 1)]);
        }
        at++;
        return { kind: "object", entries };
      }
      case "[": {
        at++;
        const items: Node[] = [];
        for (skip(); text[at] !== "]"; skip()) {
          if (items.length > 0) {
            if (text[at] !== ",") fail("a comma or ]");
            at++;
          }
          items.push(next(depth + 1));
        }
        at++;
        return { kind: "array", items };
      }
      case '"':
        return { kind: "string", value: quoted("a text") };
    }
    const digits = take(number);
    if (digits) return { kind: "number", text: digits };
    const literal = take(word);
    if (literal) return { kind: "literal", text: literal as "null" };
    return fail("a value");
  };
  const root = next(0);
  skip();
  if (at < text.length) fail("the end");
  return root;
}

// write is the text of a node, indented by a number of spaces per level.
export function write(node: Node, indent = 2, level = 0): string {
  const line = indent > 0 ? "\n" + " ".repeat(indent * (level + 1)) : "";
  const end = indent > 0 ? "\n" + " ".repeat(indent * level) : "";
  switch (node.kind) {
    case "object":
      if (node.entries.length === 0) return "{}";
      return "{" + node.entries.map(([k, v]) => line + JSON.stringify(k) + (indent > 0 ? ": " : ":") + write(v, indent, level + 1)).join(",") + end + "}";
    case "array":
      if (node.items.length === 0) return "[]";
      return "[" + node.items.map((v) => line + write(v, indent, level + 1)).join(",") + end + "]";
    case "string":
      return JSON.stringify(node.value);
    default:
      return node.text;
  }
}

// pretty indents a text; one with a mistake stays as it is.
export function pretty(text: string): string {
  try {
    return write(parse(text));
  } catch {
    return text;
  }
}

// mistake is what is wrong with a text, with its line and column; null if nothing is.
export function mistake(text: string, wanted?: Node["kind"]): string | null {
  try {
    const root = parse(text);
    return wanted && root.kind !== wanted ? `It has to be a JSON ${wanted}.` : null;
  } catch (e) {
    if (!(e instanceof JsonError)) throw e;
    const lines = text.slice(0, e.at).split("\n");
    return `Line ${lines.length}, column ${lines.at(-1)!.length + 1}: ${e.message}.`;
  }
}
