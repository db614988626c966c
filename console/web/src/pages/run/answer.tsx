import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { milliseconds } from "../../lib/format";
import { mistake, parse, pretty } from "../../lib/json";
import { href } from "../../lib/router";
import { can } from "../../lib/session";
import { diff } from "../../parts/diff";
import { Tree } from "../../parts/tree";
import { JsonEditor } from "../../ui/json_editor";
import { Badge, Card, Empty } from "../../ui/show";
import { answers, type LogLine, type Part, type Result } from "./drafts";

// AnswerCard shows what a call returned, where its time went and what it logged.
export function AnswerCard({ id }: { id: number }) {
  const a = answers.value[id];
  const r = a?.result;
  return (
    <Card
      title="Answer"
      actions={
        r && (
          <span class="badges">
            {r.error_message ? <Badge kind="bad">error {r.error_code}</Badge> : r.outcome === "refused" ? <Badge kind="warn">refused</Badge> : <Badge kind="good">OK</Badge>}
            <Badge>{milliseconds(a.took!)} in the page</Badge>
          </span>
        )
      }
    >
      <div aria-live="polite" aria-busy={!!a?.running} class="stack">
        {!a ? <Empty>Nothing was sent.</Empty> : a.running ? <p class="loading">Running…</p> : a.error ? <pre class="problem">{a.error}</pre> : <Answered key={r!.trace_id} of={r!} />}
      </div>
    </Card>
  );
}

const outcomes = {
  changed: "The hook changed the input.",
  unchanged: "The hook left the input as it was.",
  refused: "The hook returned nothing: the call is refused.",
  ended: "The hook ended without an error.",
};

function Answered({ of }: { of: Result }) {
  const body = useSignal("");
  useEffect(() => void (body.value = pretty(of.body)), [of.body]);
  return (
    <>
      {of.error_message && <pre class="problem">{of.error_message}</pre>}
      {of.error_stack && !of.log.some((l) => l.stack) && <pre class="code">{of.error_stack}</pre>}
      {of.outcome && <p>{outcomes[of.outcome]}</p>}
      {of.outcome === "changed" && <Tree label="What the hook returned" node={parse(of.body)} of={diff(parse(of.input), parse(of.body))} />}
      {of.body && (mistake(of.body) === null ? <JsonEditor label={of.outcome ? "What it returned" : "Body"} value={body} readOnly height="4rem" /> : <pre class="code">{of.body}</pre>)}
      {!of.body && !of.error_message && !of.outcome && <Empty>The answer is empty.</Empty>}
      <Time of={of} />
      <Parts title="Functions of nk" of={of.functions} />
      <Parts title="SQL" of={of.statements} />
      <Log of={of.log} trace={of.trace_id} />
    </>
  );
}

// Time is what the time of a call went to. The parts do not overlap.
function Time({ of }: { of: Result }) {
  const parts = [
    ["queue", "waiting for a VM", of.queue_ms],
    ["script", "script", of.script_ms],
    ["nk", "functions of nk", of.nk_ms],
    ["sql", "SQL", of.sql_ms],
  ] as const;
  return (
    <div>
      <h3>Time on the server: {milliseconds(of.took_ms)}</h3>
      <div class="bars" aria-hidden="true">
        {parts.map(([name, , took]) => took > 0 && <span key={name} class={name} style={{ flexGrow: took * 1000 }} />)}
      </div>
      <ul class="legend">
        {parts.map(([name, title, took]) => (
          <li key={name} class={name}>
            <span class="dot" /> {title} <b>{milliseconds(took)}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}

const Parts = ({ title, of }: { title: string; of: Part[] }) =>
  of.length === 0 ? null : (
    <details>
      <summary>
        {title} <span class="dim">{of.reduce((n, p) => n + p.count, 0)}</span>
      </summary>
      <ul class="log">
        {of.map((p) => (
          <li key={p.name}>
            <b>{milliseconds(p.took_ms)}</b> {p.count > 1 && <span class="dim">{p.count} ×</span>} {p.name}
          </li>
        ))}
      </ul>
    </details>
  );

const Log = ({ of, trace }: { of: LogLine[]; trace: string }) => (
  <div>
    <h3>
      Log {of.length === 0 && <span class="faint">nothing</span>} {can("CONFIGURATION:read") && <a href={href("/logs", { trace_id: trace })}>follow</a>}
    </h3>
    <ul class="log">
      {of.map((l, i) => (
        <li key={i} class={l.level}>
          <b>{l.level}</b> {l.message} {l.error && <span class="error">{l.error}</span>} {l.fields !== "{}" && <span class="dim">{l.fields}</span>}
          {l.stack && <pre>{l.stack}</pre>}
        </li>
      ))}
    </ul>
  </div>
);
