// The requests that are open in the page. The browser keeps them.
import { computed, effect, signal } from "@preact/signals";
import { pretty } from "../../lib/json";
import { operator } from "../../lib/session";

export type Hook = "" | "before" | "after";

export const hookNamed = (name: string): Hook => (name === "before" || name === "after" ? name : "");

export interface Request {
  method: string; // of the client API, a message of a socket, or the id of a function
  rpc: boolean;
  hook: Hook; // only this hook of the method runs
  user: string; // id or username; blank: none
  vars: string; // lines of name=value
  body: string;
  output: string; // that an after hook gets
}

export interface Draft extends Request {
  id: number;
  name: string; // of the saved request that it is; blank: none
}

export interface Answer {
  running: boolean;
  error?: string; // the call could not be made
  took?: number; // milliseconds in the page
  result?: Result;
}

// Result is a call that was made, as the server answers it. Times are milliseconds.
export interface Result {
  body: string;
  error_message: string; // of the call
  error_code: number;
  error_stack: string;
  outcome: "" | "changed" | "unchanged" | "refused" | "ended"; // of a hook
  input: string; // of a before hook
  trace_id: string;
  took_ms: number;
  queue_ms: number; // waiting for a VM
  script_ms: number;
  nk_ms: number; // functions of the server, without SQL
  sql_ms: number;
  functions: Part[]; // with the SQL in them
  statements: Part[];
  log: LogLine[];
}

export interface Part {
  name: string;
  count: number;
  took_ms: number;
}

export interface LogLine {
  time: string;
  level: string;
  message: string;
  error: string;
  stack: string;
  fields: string; // JSON
}

const limit = 30; // open requests

export const blank: Request = { method: "", rpc: false, hook: "", user: "", vars: "", body: "", output: "" };

function read(who: string): Draft[] {
  try {
    const list = JSON.parse(localStorage.getItem(keyOf(who)) ?? "[]");
    return Array.isArray(list) ? list.map((d) => ({ ...blank, ...d })) : [];
  } catch {
    return [];
  }
}

const keyOf = (who: string) => "kumi.console.run." + who;
const who = computed(() => operator.value?.username ?? "");

export const drafts = signal<Draft[]>([]);
export const answers = signal<Record<number, Answer>>({});

// Each operator has their own requests.
effect(() => {
  drafts.value = who.value ? read(who.value) : [];
  answers.value = {};
});
effect(() => {
  const list = drafts.value;
  if (who.peek()) localStorage.setItem(keyOf(who.peek()), JSON.stringify(list));
});

// openDraft adds a request, and drops the oldest one if there are many.
export function openDraft(request: Request, name = ""): Draft {
  const list = drafts.peek();
  const draft = { ...request, name, id: Math.max(0, ...list.map((d) => d.id)) + 1 };
  drafts.value = [...list.slice(-limit + 1), draft];
  return draft;
}

export function change(id: number, changes: Partial<Draft>): void {
  drafts.value = drafts.peek().map((d) => (d.id === id ? { ...d, ...changes } : d));
}

export function closeDraft(id: number): void {
  drafts.value = drafts.peek().filter((d) => d.id !== id);
  const { [id]: _, ...rest } = answers.peek();
  answers.value = rest;
}

// varsOf reads the lines of session variables.
export function varsOf(lines: string): Record<string, string> {
  const vars: Record<string, string> = {};
  for (const line of lines.split("\n")) {
    if (!line.trim()) continue;
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`The session variable ${JSON.stringify(line.trim())} is not name=value.`);
    vars[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return vars;
}

export const linesOf = (vars: Record<string, string>) =>
  Object.entries(vars)
    .map(([k, v]) => `${k}=${v}`)
    .join("\n");

// Saved is a request as the server keeps it.
export interface Saved {
  name: string;
  method: string;
  rpc: boolean;
  hook: Hook;
  body: string;
  output: string;
  user_id: string;
  session_vars: Record<string, string>;
}

export const requestOf = (s: Saved): Request => ({
  method: s.method,
  rpc: s.rpc,
  hook: s.hook,
  user: s.user_id,
  vars: linesOf(s.session_vars),
  body: pretty(s.body),
  output: pretty(s.output),
});

// titleOf is what a request is called that is not saved.
export const titleOf = (r: Pick<Request, "method" | "hook">) => (r.hook ? `${r.hook} ${r.method}` : r.method);
