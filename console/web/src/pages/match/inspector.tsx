import type { Signal } from "@preact/signals";
import { milliseconds } from "../../lib/format";
import { clock } from "../../lib/time";
import { Happened, StateTree, type Tick } from "../../parts/tick";
import { Chart } from "../../ui/chart";
import { Badge, Card, Empty } from "../../ui/show";
import type { History } from "./history";

interface Props {
  history: History;
  rate: number; // ticks per second; 0: a relayed match, whose ticks are single messages
  chosen: Signal<number | null>; // the tick that is shown; null: the newest
}

// Inspector shows the ticks of a match: how long they took, and what happened in one.
export function Inspector({ history, rate, chosen }: Props) {
  history.changed.value;
  const { ticks } = history;
  const found = chosen.value === null ? -1 : ticks.findIndex((t) => t.number >= chosen.value!);
  const at = found < 0 ? ticks.length - 1 : found;
  const tick = ticks[at];
  if (!tick) return <Empty>{rate > 0 ? "Waiting for the first tick." : "Waiting for the first message."}</Empty>;
  const go = (index: number) => (chosen.value = index >= ticks.length - 1 ? null : ticks[Math.max(0, index)]!.number);
  const { now, before } = history.stateAfter(tick.number);
  return (
    <>
      {rate > 0 && <Times ticks={ticks} budget={1000 / rate} pick={go} />}
      <Card title={rate > 0 ? `Tick ${tick.number}` : `Message ${tick.number + 1}`} actions={<Took tick={tick} rate={rate} />}>
        <div class="scroll">
          <button type="button" aria-label="The one before" disabled={at === 0} onClick={() => go(at - 1)}>
            ‹
          </button>
          <input type="range" aria-label={rate > 0 ? "Tick" : "Message"} min={0} max={ticks.length - 1} value={at} aria-valuetext={String(tick.number)} onInput={(e) => go(Number(e.currentTarget.value))} />
          <button type="button" aria-label="The next one" disabled={at === ticks.length - 1} onClick={() => go(at + 1)}>
            ›
          </button>
          <button type="button" aria-pressed={chosen.value === null} title="Show the newest one" onClick={() => (chosen.value = chosen.value === null ? tick.number : null)}>
            Live
          </button>
        </div>
        <Happened in={tick} relayed={rate === 0} />
      </Card>
      {rate > 0 && (
        <Card title="State" actions={now && <span class="dim">after tick {now.tick}</span>}>
          <StateTree now={now} before={before} />
        </Card>
      )}
    </>
  );
}

// Times is the chart of how long the ticks took.
function Times({ ticks, budget, pick }: { ticks: Tick[]; budget: number; pick: (index: number) => void }) {
  const slow = ticks.filter((t) => t.took > budget).length;
  return (
    <Chart
      title={`Time of the last ${ticks.length} ticks; the budget is ${milliseconds(budget)}${slow > 0 ? `, ${slow} took longer` : ""}`}
      lines={[
        { label: "took", colour: "accent" },
        { label: "budget", colour: "bad" },
      ]}
      times={ticks.map((t) => t.number)}
      values={[ticks.map((t) => t.took), ticks.map(() => budget)]}
      show={milliseconds}
      showX={String}
      pick={pick}
    />
  );
}

function Took({ tick, rate }: { tick: Tick; rate: number }) {
  return (
    <>
      {tick.skipped > 0 && <Badge kind="warn">{tick.skipped} skipped before</Badge>}
      {rate > 0 && <Badge kind={tick.took > 1000 / rate ? "bad" : undefined}>{milliseconds(tick.took)}</Badge>}
      <span class="dim">
        {clock(new Date(tick.at))}.{String(tick.at % 1000).padStart(3, "0")}
      </span>
    </>
  );
}
