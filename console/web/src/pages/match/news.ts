// The messages of the topic "match", as core/consolepb/console.proto has them.
import type { Presence } from "../../play/player";
import type { Message, State, Tick } from "./history";

export interface Described {
  id: string;
  label: string;
  handler: string; // blank: a relayed match
  runtime: string;
  tick_rate: number;
  budget_ms: number;
  paused: boolean;
  can_pause: boolean;
  ended: boolean;
  presences: Presence[];
}

interface Data {
  sender: Presence | null;
  op_code: string;
  size: number;
  data: string;
  receivers: number;
}

interface NewTick {
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

interface NewState {
  tick: number;
  json: string;
  text: string;
  error: string;
  took_ms: number;
}

export interface News {
  match: Described | null;
  ticks: NewTick[];
  state: NewState | null;
  missed: number;
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
  error: [t.error, t.stack].filter(Boolean).join("\n"),
});

function messageOf(d: Data): Message {
  const to = d.receivers < 0 ? "to all others" : d.receivers === 1 ? "to one player" : `to ${d.receivers} players`;
  return { opCode: d.op_code, data: d.data, size: d.size, who: d.sender ? `from ${d.sender.username}` : to };
}

export const stateOf = (s: NewState): State => ({ tick: s.tick, text: s.json || s.text || s.error });
