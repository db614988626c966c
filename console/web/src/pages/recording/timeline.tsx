import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, path } from "../../lib/api";
import { bytes, count } from "../../lib/format";
import { clock } from "../../lib/time";
import { Card, Problem } from "../../ui/show";
import { type Column, type Rows, Table } from "../../ui/table";
import type { Recording } from "../recordings";

interface Line {
  number: number;
  time: string;
  inputs: number;
  broadcasts: number;
  size: number;
  events: string[];
  error: string;
}

const part = 200; // ticks of a request
const keptParts = 50;

// Lines are the parts of a time line that were in view, as they are loaded. The parts that
// were used last are kept.
class Lines {
  private parts = new Map<number, Map<number, Line> | null>(); // null: it is being loaded
  readonly abort = new AbortController();

  constructor(
    readonly name: string,
    readonly changed: (error?: unknown) => void,
  ) {}

  at(tick: number): Line | undefined {
    return this.parts.get(Math.floor(tick / part))?.get(tick);
  }

  load(first: number, last: number): void {
    for (let i = Math.floor(first / part); i * part < last; i++) {
      const there = this.parts.get(i);
      this.parts.delete(i);
      this.parts.set(i, there ?? null);
      if (there === undefined) void this.fetch(i);
    }
    for (const old of this.parts.keys()) {
      if (this.parts.size <= keptParts) break;
      this.parts.delete(old);
    }
  }

  private async fetch(i: number): Promise<void> {
    try {
      const { ticks } = await get<{ ticks: Line[] }>(path`recording/${this.name}/timeline`, { from: i * part, limit: part }, this.abort.signal);
      if (this.parts.has(i)) this.parts.set(i, new Map(ticks.map((t) => [t.number, t])));
      this.changed();
    } catch (error) {
      this.parts.delete(i);
      if (!this.abort.signal.aborted) this.changed(error);
    }
  }
}

function What({ of: l }: { of: Line }) {
  if (l.error) return <span class="error" title={l.error}>{l.error}</span>;
  const text = l.events.join(", ");
  return text ? <span title={text}>{text}</span> : l.size > 0 ? <span class="dim">{bytes(l.size)}</span> : null;
}

// numbers are rows with the numbers from first to last, of which there may be millions.
const numbers = (first: number, last: number): Rows<number> => ({
  length: last - first + 1,
  at: (i) => first + i,
  slice: (from, to) => Array.from({ length: Math.max(0, to - from) }, (_, i) => first + from + i),
});

interface Props {
  of: Recording;
  tick: number; // that is shown
  choose: (tick: number) => void;
}

// Timeline has a line for each tick of a recording. Those in view are loaded.
export function Timeline({ of: r, tick, choose }: Props) {
  const [, redraw] = useState(0);
  const [error, setError] = useState<unknown>();
  const view = useRef<[number, number]>([0, 0]);
  const lines = useMemo(
    () =>
      new Lines(r.name, (error) => {
        setError(error);
        redraw((n) => n + 1);
      }),
    [r.name],
  );
  useEffect(() => () => lines.abort.abort(), [lines]);
  const ticks = useMemo(() => numbers(r.first_tick, r.last_tick), [r]);
  const timer = useRef(0);
  const seen = (first: number, last: number) => {
    view.current = [r.first_tick + first, r.first_tick + last];
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => lines.load(...view.current), 50); // not each line that scrolls by
  };
  const line = (show: (l: Line) => ComponentChildren) => (n: number) => {
    const l = lines.at(n);
    return l && show(l);
  };
  const columns: Column<number>[] = [
    { title: "Tick", width: "3.5rem", right: true, cell: (n) => n },
    { title: "Time", width: "4.5rem", wide: true, cell: line((l) => <span class="dim mono">{clock(new Date(l.time))}</span>) },
    { title: "In", width: "2.5rem", right: true, cell: line((l) => l.inputs || <span class="faint">–</span>) },
    { title: "Out", width: "2.5rem", right: true, cell: line((l) => l.broadcasts || <span class="faint">–</span>) },
    { title: "What happened", cell: line((l) => <What of={l} />) },
  ];
  return (
    <Card title="Time line" actions={<span class="dim">{count(ticks.length)} ticks</span>}>
      {error !== undefined && <Problem error={error} retry={() => (setError(undefined), lines.load(...view.current))} />}
      <Table label="Ticks" rows={ticks} columns={columns} rowKey={String} chosen={tick - r.first_tick} choose={(i) => choose(r.first_tick + i)} seen={seen} />
    </Card>
  );
}
