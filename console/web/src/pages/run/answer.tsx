import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { mistake, pretty } from "../../lib/json";
import { JsonEditor } from "../../ui/json_editor";
import { Badge, Card, Empty } from "../../ui/show";
import { type Answer, answers, type LogLine, type Split } from "./drafts";

// AnswerCard shows what a call returned, what it logged and where its time went.
export function AnswerCard({ id }: { id: number }) {
  const a = answers.value[id];
  return (
    <Card title="Answer" actions={a && !a.running && <Outcome of={a} />}>
      <div aria-live="polite" aria-busy={!!a?.running} class="stack">
        {!a ? <Empty>Nothing was sent.</Empty> : a.running ? <p class="loading">Running…</p> : <Result key={`${id} ${a.took}`} of={a} />}
      </div>
    </Card>
  );
}

const Outcome = ({ of }: { of: Answer }) => (
  <span class="badges">
    {of.error ? <Badge kind="bad">{of.code ? `error ${of.code}` : "error"}</Badge> : <Badge kind="good">OK</Badge>}
    <Badge>{of.took < 10 ? of.took.toFixed(1) : Math.round(of.took)} ms in the page</Badge>
  </span>
);

function Result({ of }: { of: Answer }) {
  const body = useSignal("");
  useEffect(() => void (body.value = pretty(of.body)), [of.body]);
  return (
    <>
      {of.error && <pre class="problem">{of.error}</pre>}
      {of.body && (mistake(of.body) === null ? <JsonEditor label="Body" value={body} readOnly height="4rem" /> : <pre class="code">{of.body}</pre>)}
      {!of.body && !of.error && <Empty>The answer is empty.</Empty>}
      {of.split && <SplitBar of={of.split} />}
      {of.logs && of.logs.length > 0 && <Logs of={of.logs} />}
    </>
  );
}

const parts: [keyof Split, string][] = [
  ["queue", "waiting for a VM"],
  ["script", "script"],
  ["nk", "calls of nk"],
  ["sql", "SQL"],
];

const ms = (microseconds: number) => `${(microseconds / 1000).toFixed(microseconds < 10_000 ? 2 : 1)} ms`;

// SplitBar is where the time of a call went.
function SplitBar({ of }: { of: Split }) {
  const rest = Math.max(0, of.total - of.queue - of.script - of.nk - of.sql);
  const all = [...parts.map(([name, title]) => [name as string, title, of[name]] as const), ["rest", "the rest", rest] as const];
  return (
    <div>
      <h3>Time on the server: {ms(of.total)}</h3>
      <div class="bars" aria-hidden="true">
        {all.map(([name, , value]) => value > 0 && <span key={name} class={name} style={{ flexGrow: value }} />)}
      </div>
      <ul class="legend">
        {all.map(([name, title, value]) => (
          <li key={name} class={name}>
            <span class="dot" /> {title} <b>{ms(value)}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}

const Logs = ({ of }: { of: LogLine[] }) => (
  <div>
    <h3>Log</h3>
    <ul class="log">
      {of.map((l, i) => (
        <li key={i} class={l.level}>
          <b>{l.level}</b> {l.message} <span class="dim">{l.fields}</span>
        </li>
      ))}
    </ul>
  </div>
);
