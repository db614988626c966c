// Export writes what a player did as a program for an SDK. What the languages share is
// here; a Dialect is one SDK.
import { decode, fromBase64 } from "./payload";
import type { Step } from "./player";

// Source is a player as the export sees it.
export interface Source {
  steps: Step[];
  truncated: boolean; // the first steps are missing
  received: string[]; // the kinds of messages that came
  key: string; // of the server
  host: string;
  port: number;
  ssl: boolean;
}

// Thing is what a response is about. Later steps refer to it by its id.
export type Thing = "match" | "party" | "channel" | "ticket" | "matched" | "rpc";

export interface Dialect {
  extension: string;
  variable: (name: string) => string; // "match_id" in the language's spelling
  head: (source: Source) => string[];
  foot: string[];
  indent: string;
  comment: string; // what a comment starts with
  session: (expression: string, first: boolean) => string;
  declare: (name: string, expression: string) => string; // keeps the result of a call
  constant: (name: string, value: string) => string;
  wait: (expression: string) => string; // for a call whose result is not needed
  // matching prepares for matchmaker_matched before a ticket is made.
  matching?: (name: string) => string[];
  matched: (matching: string) => string; // the expression to wait for
  id: (thing: Thing, variable: string) => string; // how the id of a thing is read
  // parsed is a value in the JSON payload of an RPC's response: all of it, or a field.
  parsed: (variable: string, field?: string) => string;
  handler: (kind: string) => string[]; // prints messages of a kind; none if the SDK cannot
  steps: Record<string, (body: any, c: Context) => string>;
}

// Context is what a step needs to be written.
export interface Context {
  id: (value: string, thing: Thing) => string; // the expression of an id
  matched: string; // the variable of the last matchmaker_matched
}

const things: Record<string, Thing> = {
  match_create: "match",
  match_join: "match",
  party_create: "party",
  channel_join: "channel",
  matchmaker_add: "ticket",
  party_matchmaker_add: "ticket",
  rpc: "rpc",
};

// write is the whole program.
export function write(d: Dialect, source: Source): string {
  const body: string[] = [];
  const ids = new Map<string, string>(); // expressions by id
  const counts = new Map<string, number>();
  const name = (base: string) => {
    const n = (counts.get(base) ?? 0) + 1;
    counts.set(base, n);
    return d.variable(base) + n;
  };
  const note = (text: string) => body.push(d.comment + " " + text.replace(/\s+/g, " "));
  const c: Context = {
    matched: "",
    id(value, thing) {
      if (!ids.has(value)) {
        const variable = name(thing + "_id");
        note("This id came from elsewhere.");
        body.push(d.constant(variable, value));
        ids.set(value, variable);
      }
      return ids.get(value)!;
    },
  };
  let matching = "";
  let handlersAt = -1;

  if (source.truncated) note("There were more steps before these.");
  for (const step of source.steps) {
    if (step.kind === "matched") {
      if (!matching) continue;
      c.matched = name("matched");
      body.push(d.declare(c.matched, d.matched(matching)));
      if (step.body.match_id) ids.set(step.body.match_id, d.id("matched", c.matched));
      continue;
    }
    const expression = d.steps[step.kind === "call" ? step.body.name : step.kind]?.(step.body, c);
    if (!expression) continue;
    if (step.error) {
      note("This failed: " + step.error);
      note(d.wait(expression));
      continue;
    }
    if (step.kind === "connect" && handlersAt < 0) handlersAt = body.length;
    if (step.kind.endsWith("matchmaker_add")) {
      matching = name("matching");
      body.push(...(d.matching?.(matching) ?? []));
    }
    const thing = things[step.kind];
    if (step.kind === "authenticate") body.push(d.session(expression, name("session").endsWith("1")));
    else if (!thing || !step.reply) body.push(d.wait(expression));
    else {
      const variable = name(thing);
      body.push(d.declare(variable, expression));
      if (thing === "rpc") learn(d, ids, variable, step.reply.payload);
      else for (const id of [step.reply.match_id, step.reply.party_id, step.reply.id, step.reply.ticket]) if (id) ids.set(id, d.id(thing, variable));
    }
  }
  const handlers = [...new Set(source.received)].sort().flatMap(d.handler);
  body.splice(Math.max(0, handlersAt), 0, ...handlers);
  return [...d.head(source), ...body.map((line) => d.indent + line), ...d.foot].join("\n") + "\n";
}

// learn finds ids in the payload of an RPC's response.
function learn(d: Dialect, ids: Map<string, string>, variable: string, payload = ""): void {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    ids.set(payload, d.id("rpc", variable));
    return;
  }
  if (typeof value === "string") ids.set(value, d.parsed(variable));
  else if (value !== null && typeof value === "object") {
    for (const [field, v] of Object.entries(value)) if (typeof v === "string" && v.length >= 36) ids.set(v, d.parsed(variable, field));
  }
}

// quoted is a text in double quotes, as all three languages read it.
export const quoted = (text: string) => JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

// payload is the data of a message: as a text if it is one, otherwise as bytes.
export function payload(base64 = ""): { text?: string; bytes: string } {
  const { format, text } = decode(base64);
  return { text: format === "text" ? quoted(text) : undefined, bytes: [...fromBase64(base64)].join(", ") };
}

// object is a JSON text on one line; {} if it is none.
export const object = (text: string | undefined) => {
  try {
    return JSON.stringify(JSON.parse(text || "{}"));
  } catch {
    return "{}";
  }
};

export const camel = (name: string) => name.replace(/_(.)/g, (_, c) => c.toUpperCase());
