// Link makes the connection of a player worse: messages arrive later and some not at all.

// Conditions apply to each direction.
export interface Conditions {
  latency: number; // milliseconds
  jitter: number; // up to so many milliseconds more, at random
  loss: number; // percent of the data messages, which nobody waits for
}

export const perfect: Conditions = { latency: 0, jitter: 0, loss: 0 };

const limit = 2000; // messages on the way; further ones push the first ones out early

// Link is one direction. Messages keep their order, as on a socket.
export class Link {
  private way: { due: number; deliver: () => void }[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private last = 0; // when the last message arrives

  constructor(private readonly conditions: () => Conditions) {}

  // pass delivers a message when it has arrived. It returns false for one that is lost;
  // only droppable ones are.
  pass(droppable: boolean, deliver: () => void): boolean {
    const { latency, jitter, loss } = this.conditions();
    if (droppable && Math.random() * 100 < loss) return false;
    const delay = latency + Math.random() * jitter;
    if (delay < 1 && this.way.length === 0) {
      deliver();
      return true;
    }
    this.last = Math.max(this.last, Date.now() + delay);
    this.way.push({ due: this.last, deliver });
    if (this.way.length > limit) this.way.shift()!.deliver();
    this.timer ??= setTimeout(this.arrive, delay);
    return true;
  }

  // cut forgets what is on the way.
  cut(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.way = [];
  }

  private arrive = (): void => {
    this.timer = undefined;
    const now = Date.now();
    while (this.way.length > 0 && this.way[0]!.due <= now) this.way.shift()!.deliver();
    if (this.way.length > 0) this.timer ??= setTimeout(this.arrive, this.way[0]!.due - now);
  };
}
