import { useEffect, useState } from "preact/hooks";
import { get, path } from "../../lib/api";
import { useLoad } from "../../lib/load";
import { clock } from "../../lib/time";
import { Happened, type NewState, type NewTick, StateTree, stateOf, tickOf } from "../../parts/tick";
import type { Presence } from "../../play/player";
import { Badge, Card, Empty, Id, Loaded, Problem } from "../../ui/show";
import type { Recording } from "../recordings";

interface Replayed {
  done: boolean;
  reached: number;
  from: number;
  state: NewState | null;
  before: NewState | null;
  differences: { what: string; recorded: string; replayed: string }[];
  first_difference: number;
  log: { level: string; message: string }[];
  ended: boolean;
  recorded: boolean;
}

// useSettled is a value once it has not changed for a moment: not each tick that somebody scrolls
// past is asked for.
function useSettled(value: number): number {
  const [settled, set] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => set(value), 120);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

interface Props {
  of: Recording;
  number: number;
  choose: (tick: number) => void;
}

// RecordedTick shows what happened in a tick, the state after it, and what is different.
export function RecordedTick({ of: r, number, choose }: Props) {
  const settled = useSettled(number);
  const tick = useLoad((signal) => get<{ tick: NewTick; presences: Presence[] }>(path`recording/${r.name}/tick`, { tick: settled }, signal), [r.name, settled]);
  return (
    <>
      <Card title={`Tick ${number}`} actions={tick.data && <span class="dim">about {clock(new Date(tick.data.tick.time))}</span>}>
        <div class="scroll">
          <button type="button" aria-label="The one before" disabled={number <= r.first_tick} onClick={() => choose(number - 1)}>
            ‹
          </button>
          <input type="range" aria-label="Tick" min={r.first_tick} max={r.last_tick} value={number} onInput={(e) => choose(Number(e.currentTarget.value))} />
          <button type="button" aria-label="The next one" disabled={number >= r.last_tick} onClick={() => choose(number + 1)}>
            ›
          </button>
        </div>
        <Loaded of={tick}>
          {({ tick, presences }) => (
            <>
              <Happened in={tickOf(tick)} />
              <small>{presences.length === 0 ? "Nobody is in the match." : `In the match: ${presences.map((p) => p.username).join(", ")}`}</small>
            </>
          )}
        </Loaded>
      </Card>
      <StateCard of={r} number={settled} choose={choose} />
    </>
  );
}

// viewer tells the server which of an operator's pages asks, so that one does not end the
// replay of another.
const viewer = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");

// useReplay replays the recording up to a tick, which may take several requests.
function useReplay(name: string, tick: number) {
  const [reached, setReached] = useState<number | null>(null);
  const load = useLoad(
    async (signal) => {
      setReached(null);
      for (;;) {
        const s = await get<Replayed>(path`recording/${name}/state`, { tick, viewer }, signal);
        if (s.done) return s;
        setReached(s.reached);
      }
    },
    [name, tick],
  );
  return { load, reached };
}

function StateCard({ of: r, number, choose }: Props) {
  const { load, reached } = useReplay(r.name, number);
  const s = load.data;
  const command = `kumi replay ${r.name} --at ${number}`;
  return (
    <>
      <Card
        title="State"
        actions={
          <>
            {load.loading && reached !== null && <Badge kind="info">replaying, at tick {reached}</Badge>}
            {s?.state && <span class="dim">{s.recorded ? `as recorded after tick ${s.state.tick}` : `after tick ${s.state.tick}, replayed from tick ${s.from}`}</span>}
          </>
        }
      >
        {load.error !== undefined ? (
          <Problem error={load.error} retry={load.reload} />
        ) : !s ? (
          <p class="loading" aria-busy="true">Replaying…</p>
        ) : (
          <>
            {r.replay_problem && s.recorded && <p class="dim">{r.replay_problem}</p>}
            {s.ended && <p class="notice">In the replay the match had ended before this tick.</p>}
            {s.first_difference >= 0 && <Differences of={s} number={number} choose={choose} />}
            {s.state ? <StateTree now={stateOf(s.state)} before={s.before ? stateOf(s.before) : undefined} /> : <Empty>There is no state of this tick.</Empty>}
          </>
        )}
      </Card>
      {s && s.log.length > 0 && (
        <Card title="Log">
          <ul class="log">
            {s.log.map((l, i) => (
              <li key={i} class={l.level}>
                <b>{l.level}</b> {l.message}
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Card title="On another machine">
        <p class="dim">The same with the modules in a folder there: download the recording, and run</p>
        <Id value={command} />
      </Card>
    </>
  );
}

// Differences are what today's modules do otherwise in a tick.
const Differences = ({ of: s, number, choose }: { of: Replayed; number: number; choose: (tick: number) => void }) => (
  <div>
    <p class="notice">
      <span class="grow">On today's modules the match differs from the recording{s.first_difference < number ? ` since tick ${s.first_difference}` : " in this tick"}.</span>
      {s.first_difference !== number && (
        <button type="button" onClick={() => choose(s.first_difference)}>
          Go to tick {s.first_difference}
        </button>
      )}
    </p>
    <ul class="log" aria-label="Differences">
      {s.differences.map((d, i) => (
        <li key={i}>
          <b>{d.what}</b>
          {d.recorded || d.replayed ? (
            <>
              {" "}
              <span class="dim">recorded</span> {d.recorded || "nothing"} <span class="dim">replayed</span> {d.replayed || "nothing"}
            </>
          ) : (
            <span class="dim"> differs</span>
          )}
        </li>
      ))}
    </ul>
  </div>
);
