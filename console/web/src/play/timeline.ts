// The time line: what all players sent and received, in order.
import { signal } from "@preact/signals";

export type Way = "sent" | "received" | "lost" | "local";

export interface Entry {
  n: number; // 1 for the first entry of all
  at: number; // milliseconds since 1970
  player: number;
  way: Way;
  kind: string; // the name of the message, or of what happened
  text: string; // its JSON
  failed?: boolean;
}

// maxEntries and maxText bound the memory: the oldest entries are dropped.
export const maxEntries = 5000;
export const maxText = 16 << 20; // characters

export class Timeline {
  entries: Entry[] = [];
  // changed counts up soon after entries were added, at most 20 times a second.
  readonly changed = signal(0);
  private count = 0;
  private size = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  add(player: number, way: Way, kind: string, text: string, failed = false): void {
    this.entries.push({ n: ++this.count, at: Date.now(), player, way, kind, text, failed });
    this.size += text.length;
    while (this.entries.length > maxEntries || (this.size > maxText && this.entries.length > 1)) this.size -= this.entries.shift()!.text.length;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.changed.value++;
    }, 50);
  }

  clear(): void {
    this.entries = [];
    this.size = 0;
    this.changed.value++;
  }
}
