// The messages of the topic "match", as core/consolepb/console.proto has them.
import type { NewState, NewTick } from "../../parts/tick";
import type { Presence } from "../../play/player";

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

export interface News {
  match: Described | null;
  ticks: NewTick[];
  state: NewState | null;
  missed: number;
}
