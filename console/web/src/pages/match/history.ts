// The last ticks of a match, and its states, which come less often.
import { signal } from "@preact/signals";
import type { State, Tick } from "../../parts/tick";

export const maxTicks = 1000;
const maxText = 32 << 20; // characters of all states

export class History {
  ticks: Tick[] = []; // oldest first
  states: State[] = [];
  readonly changed = signal(0); // counts up with each change
  private size = 0;
  private again = false; // nothing has come of the latest subscription

  // subscribed says that what comes next is of a new subscription: the server sends again
  // what it has, or has begun to count anew.
  subscribed(): void {
    this.again = true;
  }

  add(ticks: Tick[], state?: State): void {
    for (const t of ticks) {
      const last = this.ticks.at(-1);
      if (last && t.number <= last.number) {
        if (!this.again || t.at <= last.at) continue; // known
        this.clear();
      }
      this.again = false;
      this.ticks.push(t);
    }
    if (this.ticks.length > maxTicks) this.ticks.splice(0, this.ticks.length - maxTicks);
    const first = this.ticks[0]?.number ?? 0;
    while (this.states.length > 1 && this.states[1]!.tick <= first) this.dropState();
    if (state) this.addState(state);
    this.changed.value++;
  }

  private clear(): void {
    this.ticks = [];
    this.states = [];
    this.size = 0;
  }

  private addState(s: State): void {
    const last = this.states.at(-1);
    if (last?.text === s.text) s = { tick: s.tick, text: last.text }; // equal texts are one
    this.states.push(s);
    this.size += s.text.length;
    while (this.states.length > maxTicks || (this.size > maxText && this.states.length > 2)) this.dropState();
  }

  private dropState(): void {
    this.size -= this.states.shift()!.text.length;
  }

  // stateAfter is the last state that was taken up to the end of a tick, and the one before
  // it.
  stateAfter(tick: number): { now?: State; before?: State } {
    let i = this.states.length - 1;
    while (i >= 0 && this.states[i]!.tick > tick) i--;
    return { now: this.states[i], before: this.states[i - 1] };
  }
}
