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
import { type Answer, answers, change, type Draft, type Result, varsOf } from "./drafts";

interface Props {
  draft: Draft;
  endpoints: Endpoints;
  saved: () => void; // after a request was saved
}

// RequestCard edits a request and makes it.
export function RequestCard({ draft, endpoints, saved }: Props) {
  const body = useSignal(draft.body);
  useEffect(() => body.subscribe((text) => change(draft.id, { body: text })), []);
  const template = (d: Pick<Draft, "method" | "rpc">) => (d.rpc ? "" : pretty(endpoints.endpoints.find((e) => e.method === d.method)?.body_template ?? ""));
  const choose = (value: string) => {
    const [kind, method] = value.split(/ (.*)/) as [string, string];
    const next = { method, rpc: kind === "rpc" };
    // What was typed stays.
    if (!body.peek().trim() || body.peek() === template(draft)) body.value = template(next);
    change(draft.id, { ...next, name: "" });
  };
  const value = (rpc: boolean, method: string) => (rpc ? "rpc " : "api ") + method;
  const known = (draft.rpc ? endpoints.rpc_endpoints : endpoints.endpoints).some((e) => e.method === draft.method);
  const allowed = can("API_EXPLORER:write");

  const keys = (e: KeyboardEvent) => {
    if (e.key !== "Enter" || !(e.ctrlKey || e.metaKey) || !draft.method || !allowed) return;
    e.preventDefault();
    e.stopPropagation();
    void run(draft);
  };
  const link = async () => {
    const { method, rpc, user, vars, body } = draft;
    const url = new URL(href("/run", { method, rpc: rpc || "", user, vars, body }), document.baseURI);
    await navigator.clipboard.writeText(url.href);
    tell("The address of the request is copied.");
  };
  return (
    <div onKeyDownCapture={keys}>
      <Card>
        <div class="half-fields">
          <label class="field">
            <span>Call</span>
            <select value={draft.method ? value(draft.rpc, draft.method) : ""} onChange={(e) => choose(e.currentTarget.value)}>
              {!draft.method && <option value="">Choose one…</option>}
              {draft.method && !known && <option value={value(draft.rpc, draft.method)}>{draft.method} (not there)</option>}
              <optgroup label="RPC functions">
                {endpoints.rpc_endpoints.map((e) => (
                  <option key={e.method} value={value(true, e.method)}>
                    {e.method}
                  </option>
                ))}
              </optgroup>
              <optgroup label="Client API">
                {endpoints.endpoints.map((e) => (
                  <option key={e.method} value={value(false, e.method)}>
                    {e.method}
                  </option>
                ))}
              </optgroup>
            </select>
          </label>
          <label class="field">
            <span>As the player</span>
            <input value={draft.user} placeholder={draft.rpc ? "Blank: as the server" : "Id or username"} autocomplete="off" autocapitalize="off" spellcheck={false} onInput={(e) => change(draft.id, { user: e.currentTarget.value })} />
          </label>
        </div>
        <JsonEditor label={draft.rpc ? "Payload" : "Request"} value={body} anyText={draft.rpc} height="10rem" hint={draft.rpc ? "A payload need not be JSON." : undefined} />
        <label class="field">
          <span>Session variables</span>
          <textarea class="mono" rows={draft.vars ? 3 : 1} placeholder="name=value" spellcheck={false} value={draft.vars} onInput={(e) => change(draft.id, { vars: e.currentTarget.value })} />
        </label>
        <div class="buttons">
          <Action label="Send" icon="run" kind="primary" right="API_EXPLORER:write" disabled={!draft.method} run={() => run(draft)} />
          <Action label="Save" right="API_EXPLORER:write" disabled={!draft.method} run={() => save(draft, saved)} />
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
    const { method, rpc } = draft;
    const request = { method, rpc, body: draft.body.trim(), user_id: await playerOf(draft.user.trim()), session_vars: varsOf(draft.vars) };
    const result = await post<Result>("run", request);
    set({ running: false, result, took: performance.now() - start });
  } catch (e) {
    set({ running: false, error: messageOf(e) });
  }
}

async function save(draft: Draft, saved: () => void): Promise<void> {
  const vars = varsOf(draft.vars);
  const name = await show<string>((close) => <NameDialog name={draft.name || draft.method} close={close} />);
  if (!name) return;
  if (name !== draft.name && (await get<{ requests: { name: string }[] }>("request")).requests.some((r) => r.name === name)) {
    if (!(await ask({ title: `Replace ${name}?`, text: "A request of this name is saved already.", action: "Replace", danger: true }))) return;
  }
  await put(path`request/${name}`, { method: draft.method, rpc: draft.rpc, body: draft.body, user_id: draft.user, session_vars: vars });
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
