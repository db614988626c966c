// What happened in one tick of a match, and its state: of a match that is played, or of a
// recording.
import { useMemo } from "preact/hooks";
import { bytes } from "../lib/format";
import { type Node, parse } from "../lib/json";
import { decode } from "../play/payload";
import type { Presence } from "../play/player";
import { Empty } from "../ui/show";
import { diff } from "./diff";
import { Tree } from "./tree";

export interface Message {
  opCode: string;
  data: string; // base64; the beginning of it
  size: number;
  who: string; // the sender of an input, the receivers of a broadcast
}

export interface Event {
  kind: string; // "join", "leave", …
  who: string;
  text: string;
}

export interface Tick {
  number: number;
  at: number; // milliseconds since 1970
  took: number; // milliseconds
  skipped: number; // ticks before it
  inputs: Message[];
  broadcasts: Message[];
  events: Event[];
  allInputs: number;
  allBroadcasts: number;
  error: string;
}

export interface State {
  tick: number; // after which it was taken
  text: string;
}

// The messages, as core/consolepb/console.proto has them.

interface Data {
  sender: Presence | null;
  op_code: string;
  size: number;
  data: string;
  receivers: number;
}

export interface NewTick {
  number: number;
  time: string;
  took_ms: number;
  queued: number;
  skipped: number;
  all_inputs: number;
  all_broadcasts: number;
  inputs: Data[];
  broadcasts: Data[];
  events: { kind: string; presence: Presence | null; text: string }[];
  error: string;
  stack: string;
}

export interface NewState {
  tick: number;
  json: string;
  text: string;
  error: string;
  took_ms: number;
}

export const tickOf = (t: NewTick): Tick => ({
  number: t.number,
  at: new Date(t.time).getTime(),
  took: t.took_ms,
  skipped: t.skipped,
  inputs: t.inputs.map(messageOf),
  broadcasts: t.broadcasts.map(messageOf),
  events: t.events.map((e) => ({ kind: e.kind, who: e.presence?.username ?? "", text: e.text })),
  allInputs: t.all_inputs,
  allBroadcasts: t.all_broadcasts,
  error: withStack(t.error, t.stack),
});

// withStack is an error and its stack, which often begins with the same line.
export function withStack(error: string, stack: string): string {
  const first = stack.split("\n", 1)[0]!;
  return first && error.endsWith(first) ? error + stack.slice(first.length) : [error, stack].filter(Boolean).join("\n");
}

function messageOf(d: Data): Message {
  const to = d.receivers < 0 ? "to all others" : d.receivers === 1 ? "to one player" : `to ${d.receivers} players`;
  return { opCode: d.op_code, data: d.data, size: d.size, who: d.sender ? `from ${d.sender.username}` : to };
}

export const stateOf = (s: NewState): State => ({ tick: s.tick, text: s.json || s.text || s.error });

// Happened are the error of a tick, its messages and its events.
export const Happened = ({ in: tick, relayed }: { in: Tick; relayed?: boolean }) => (
  <>
    {tick.error && <pre class="problem">{tick.error}</pre>}
    <div class="split">
      <Messages title={relayed ? "Message" : "Inputs"} of={tick.inputs} all={tick.allInputs} />
      {!relayed && <Messages title="Broadcasts" of={tick.broadcasts} all={tick.allBroadcasts} />}
      {tick.events.length > 0 && <Events of={tick.events} />}
    </div>
  </>
);

const Messages = ({ title, of, all }: { title: string; of: Message[]; all: number }) => (
  <div>
    <h3>
      {title} <span class="faint">{all}</span>
    </h3>
    <ul class="log">
      {of.map((m, i) => (
        <li key={i}>
          <b>{m.opCode}</b> <span class="dim">{m.who}</span> {decode(m.data).text}
          {m.size > atob(m.data).length && <span class="dim"> … {bytes(m.size)}</span>}
        </li>
      ))}
    </ul>
    {all > of.length && <small>and {all - of.length} more</small>}
  </div>
);

const Events = ({ of }: { of: Event[] }) => (
  <div>
    <h3>Events</h3>
    <ul class="log">
      {of.map((e, i) => (
        <li key={i} class={e.kind === "error" ? "error" : undefined}>
          <b>{e.kind}</b> {e.who} <span class="dim">{e.text}</span>
        </li>
      ))}
    </ul>
  </div>
);

function tree(text: string): Node | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

// StateTree is a state, with what is different from the one before it.
export function StateTree({ now, before }: { now?: State; before?: State }) {
  const node = useMemo(() => now && tree(now.text), [now]);
  const changes = useMemo(() => (node && before && before.text !== now!.text ? diff(tree(before.text), node) : undefined), [node, before]);
  if (!now) return <Empty>There is no state of this tick.</Empty>;
  return node ? <Tree node={node} of={changes} /> : <pre class="code">{now.text}</pre>;
}
