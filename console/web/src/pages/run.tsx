import { useEffect } from "preact/hooks";
import { get } from "../lib/api";
import { pretty } from "../lib/json";
import { useLoad } from "../lib/load";
import { filter, here, href, setFilters } from "../lib/router";
import { Icon } from "../ui/icons";
import { reloaded } from "../ui/reloads";
import { Loaded } from "../ui/show";
import { AnswerCard } from "./run/answer";
import { blank, closeDraft, drafts, type Hook, hookNamed, openDraft, type Saved, titleOf } from "./run/drafts";
import { RequestCard } from "./run/request";
import { SavedList } from "./run/saved";

export interface Endpoints {
  endpoints: { method: string; body_template: string }[];
  rpc_endpoints: { method: string }[];
  hooks: HookInfo[];
}

export interface HookInfo {
  method: string;
  hook: Hook;
  realtime: boolean;
  anonymous: boolean; // it runs without a player
  runtime: string;
  module: string;
  body_template: string;
  output_template: string;
}

// Run makes calls of the client API and of RPC functions, and runs hooks alone.
export default function Run() {
  const endpoints = useLoad((signal) => get<Endpoints>("api/endpoints", {}, signal), [reloaded.value]);
  const saved = useLoad(async (signal) => (await get<{ requests: Saved[] }>("request", {}, signal)).requests, []);

  // An address may bring a request along: it becomes a tab.
  const { query } = here.value;
  const brought = query.get("method");
  useEffect(() => {
    if (!brought) return;
    const text = (name: string) => query.get(name) ?? "";
    const draft = openDraft({
      method: brought,
      rpc: text("rpc") === "true",
      hook: hookNamed(text("hook")),
      user: text("user"),
      vars: text("vars"),
      body: pretty(text("body")),
      output: pretty(text("output")),
    });
    setFilters({ method: "", rpc: "", hook: "", user: "", vars: "", body: "", output: "", tab: draft.id });
  }, [brought]);

  const tab = filter("tab");
  const draft = drafts.value.find((d) => String(d.id) === tab) ?? drafts.value.at(-1);
  const add = () => setFilters({ tab: openDraft(blank).id });
  useEffect(() => {
    if (!draft && !brought) openDraft(blank);
  }, [draft]);
  if (!draft) return null;
  return (
    <Loaded of={endpoints}>
      {(all) => (
        <>
          <nav class="tabs" aria-label="Open requests">
            {drafts.value.map((d) => (
              <span key={d.id} class="tab">
                <a href={href("/run", { tab: d.id })} aria-current={d === draft ? "page" : undefined}>
                  {d.name || titleOf(d) || "New request"}
                </a>
                {drafts.value.length > 1 && (
                  <button type="button" class="plain small" aria-label={`Close ${d.name || titleOf(d) || "the request"}`} onClick={() => closeDraft(d.id)}>
                    <Icon name="close" />
                  </button>
                )}
              </span>
            ))}
            <button type="button" class="plain" aria-label="New request" title="New request" onClick={add}>
              <Icon name="plus" />
            </button>
          </nav>
          <div class="run">
            <RequestCard key={draft.id} draft={draft} endpoints={all} saved={saved.reload} />
            <AnswerCard id={draft.id} />
            <SavedList of={saved} />
          </div>
        </>
      )}
    </Loaded>
  );
}
