import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, messageOf, path, post, put } from "../../lib/api";
import { pretty } from "../../lib/json";
import { href } from "../../lib/router";
import { can } from "../../lib/session";
import type { AccountList } from "../../lib/types";
import { Action } from "../../ui/action";
import { ask, FormDialog, show } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { JsonEditor } from "../../ui/json_editor";
import { Card } from "../../ui/show";
import { tell } from "../../ui/toast";
import type { Endpoints } from "../run";
import { type Answer, answers, change, type Draft, hookNamed, type Request, type Result, titleOf, varsOf } from "./drafts";

interface Props {
  draft: Draft;
  endpoints: Endpoints;
  saved: () => void; // after a request was saved
}

// What a request is of: its kind in the list of calls.
const kindOf = (r: Pick<Request, "rpc" | "hook">) => (r.rpc ? "rpc" : r.hook || "api");

// RequestCard edits a request and makes it.
export function RequestCard({ draft, endpoints, saved }: Props) {
  const body = useSignal(draft.body);
  const output = useSignal(draft.output);
  useEffect(() => body.subscribe((text) => change(draft.id, { body: text })), []);
  useEffect(() => output.subscribe((text) => change(draft.id, { output: text })), []);
  const hookOf = (d: Pick<Draft, "method" | "hook">) => endpoints.hooks.find((h) => h.hook === d.hook && h.method === d.method);
  const templates = (d: Pick<Draft, "method" | "rpc" | "hook">) => {
    const hook = hookOf(d);
    const input = d.rpc ? "" : d.hook ? hook?.body_template : endpoints.endpoints.find((e) => e.method === d.method)?.body_template;
    return [pretty(input ?? ""), pretty(hook?.output_template ?? "")] as const;
  };
  const choose = (value: string) => {
    const [kind, method] = value.split(/ (.*)/) as [string, string];
    const next = { method, rpc: kind === "rpc", hook: hookNamed(kind) };
    const old = templates(draft);
    // What was typed stays.
    [body, output].forEach((text, i) => {
      if (!text.peek().trim() || text.peek() === old[i]) text.value = templates(next)[i]!;
    });
    change(draft.id, { ...next, name: "" });
  };
  const groups: [string, string, { method: string }[]][] = [
    ["rpc", "RPC functions", endpoints.rpc_endpoints],
    ["before", "Hooks before a call or message, alone", endpoints.hooks.filter((h) => h.hook === "before")],
    ["after", "Hooks after a call or message, alone", endpoints.hooks.filter((h) => h.hook === "after")],
    ["api", "Client API", endpoints.endpoints],
  ];
  const value = `${kindOf(draft)} ${draft.method}`;
  const known = groups.some(([kind, , all]) => kind === kindOf(draft) && all.some((e) => e.method === draft.method));
  const hook = hookOf(draft);
  // A hook that is not there may get anything.
  const input = !hook || hook.body_template !== "";
  const answer = draft.hook === "after" && (!hook || hook.output_template !== "");
  const sent = { ...draft, body: input ? draft.body : "", output: answer ? draft.output : "" };
  const allowed = can("API_EXPLORER:write");

  const keys = (e: KeyboardEvent) => {
    if (e.key !== "Enter" || !(e.ctrlKey || e.metaKey) || !draft.method || !allowed) return;
    e.preventDefault();
    e.stopPropagation();
    void run(sent);
  };
  const link = async () => {
    const { method, rpc, hook, user, vars, body, output } = sent;
    const url = new URL(href("/run", { method, rpc: rpc || "", hook, user, vars, body, output }), document.baseURI);
    await navigator.clipboard.writeText(url.href);
    tell("The address of the request is copied.");
  };
  return (
    <div onKeyDownCapture={keys}>
      <Card>
        <div class="half-fields">
          <label class="field">
            <span>Call</span>
            <select value={draft.method ? value : ""} onChange={(e) => choose(e.currentTarget.value)}>
              {!draft.method && <option value="">Choose one…</option>}
              {draft.method && !known && <option value={value}>{titleOf(draft)} (not there)</option>}
              {groups.map(
                ([kind, title, all]) =>
                  all.length > 0 && (
                    <optgroup key={kind} label={title}>
                      {all.map(({ method }) => (
                        <option key={method} value={`${kind} ${method}`}>
                          {titleOf({ method, hook: hookNamed(kind) })}
                        </option>
                      ))}
                    </optgroup>
                  ),
              )}
            </select>
          </label>
          <label class="field">
            <span>As the player</span>
            <input value={draft.user} placeholder={draft.rpc ? "Blank: as the server" : hook?.anonymous ? "Blank: nobody is signed in yet" : "Id or username"} autocomplete="off" autocapitalize="off" spellcheck={false} onInput={(e) => change(draft.id, { user: e.currentTarget.value })} />
          </label>
        </div>
        {draft.hook && (
          <p class="notice">
            Only the hook runs{hook && <> ({[hook.runtime, hook.module].join(", ")})</>}, and it runs for real: what it writes and sends stays. The {hook?.realtime ? "message" : "call"} itself
            is not handled.
          </p>
        )}
        {input && (
          <JsonEditor label={draft.rpc ? "Payload" : draft.hook ? "Input" : "Request"} value={body} anyText={draft.rpc} height="10rem" hint={draft.rpc ? "A payload need not be JSON." : undefined} />
        )}
        {answer && <JsonEditor label="Answer that the hook gets" value={output} height="6rem" />}
        <label class="field">
          <span>Session variables</span>
          <textarea class="mono" rows={draft.vars ? 3 : 1} placeholder="name=value" spellcheck={false} value={draft.vars} onInput={(e) => change(draft.id, { vars: e.currentTarget.value })} />
        </label>
        <div class="buttons">
          <Action label="Send" icon="run" kind="primary" right="API_EXPLORER:write" disabled={!draft.method} run={() => run(sent)} />
          <Action label="Save" right="API_EXPLORER:write" disabled={!draft.method} run={() => save(sent, saved)} />
          {navigator.clipboard && <Action label="Link" disabled={!draft.method} run={link} />}
          {allowed && <small>Ctrl and Enter send it, too.</small>}
        </div>
      </Card>
    </div>
  );
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

// playerOf is the id of a player who is named by id or username.
async function playerOf(name: string): Promise<string> {
  if (!name || uuid.test(name)) return name;
  const { users } = await get<AccountList>("account", { filter: name });
  const found = users.find((u) => u.username === name);
  if (!found) throw new Error(`There is no player ${name}.`);
  return found.id;
}

// run makes a request; its answer is shown beside it.
async function run(draft: Draft): Promise<void> {
  const set = (answer: Answer) => (answers.value = { ...answers.peek(), [draft.id]: answer });
  if (answers.peek()[draft.id]?.running) return;
  set({ running: true });
  const start = performance.now();
  try {
    const { method, rpc, hook } = draft;
    const request = { method, rpc, hook, body: draft.body.trim(), output: draft.output.trim(), user_id: await playerOf(draft.user.trim()), session_vars: varsOf(draft.vars) };
    const result = await post<Result>("run", request);
    set({ running: false, result, took: performance.now() - start });
  } catch (e) {
    set({ running: false, error: messageOf(e) });
  }
}

async function save(draft: Draft, saved: () => void): Promise<void> {
  const vars = varsOf(draft.vars);
  const name = await show<string>((close) => <NameDialog name={draft.name || titleOf(draft)} close={close} />);
  if (!name) return;
  if (name !== draft.name && (await get<{ requests: { name: string }[] }>("request")).requests.some((r) => r.name === name)) {
    if (!(await ask({ title: `Replace ${name}?`, text: "A request of this name is saved already.", action: "Replace", danger: true }))) return;
  }
  const { method, rpc, hook, body, output } = draft;
  await put(path`request/${name}`, { method, rpc, hook, body, output, user_id: draft.user, session_vars: vars });
  change(draft.id, { name });
  saved();
  tell("The request is saved in the modules folder.");
}

function NameDialog({ name, close }: { name: string; close: (name?: string) => void }) {
  const value = useSignal(name);
  return (
    <FormDialog title="Save the request" action="Save" onClose={close} onSubmit={() => close(value.value.trim())}>
      <TextField label="Name" value={value} required maxLength={100} hint="It becomes a file in .kumi/requests, in the modules folder: everybody who works on the game has it." />
    </FormDialog>
  );
}
