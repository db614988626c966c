import { useSignal } from "@preact/signals";
import { pretty } from "../../lib/json";
import { filter } from "../../lib/router";
import { clock } from "../../lib/time";
import { decode } from "../../play/payload";
import { players, timeline } from "../../play/room";
import type { Entry } from "../../play/timeline";
import { Dialog, show } from "../../ui/dialog";
import { Choice, Search } from "../../ui/search";
import { Facts } from "../../ui/show";
import { type Column, Table } from "../../ui/table";
import { hue } from "./card";

const arrows = { sent: "→ sent", received: "← received", lost: "✕ lost", local: "" };

const time = (e: Entry) => `${clock(new Date(e.at))}.${String(e.at % 1000).padStart(3, "0")}`;
const payloadOf = (e: Entry) => /"data":"([^"]*)"/.exec(e.text)?.[1];

// summary is what a message says, in short.
function summary(e: Entry): string {
  const data = payloadOf(e);
  if (data === undefined) return e.text.slice(0, 300);
  const code = /"op_code":"?(-?\d+)/.exec(e.text)?.[1] ?? "0";
  return `${code}: ${decode(data).text.slice(0, 300)}`;
}

const columns: Column<Entry>[] = [
  { title: "Time", width: "7.5rem", cell: (e) => <span class="mono">{time(e)}</span> },
  {
    title: "Player",
    width: "4rem",
    cell: (e) => (
      <span class="player" style={hue(e.player)}>
        <span class="dot" /> {e.player}
      </span>
    ),
  },
  { title: "Way", width: "6rem", wide: true, cell: (e) => <span class="dim">{arrows[e.way]}</span> },
  { title: "Message", width: "13rem", cell: (e) => <span class={e.failed ? "error" : e.way === "lost" ? "faint" : ""}>{e.kind}</span> },
  { title: "Content", wide: true, cell: (e) => <code>{summary(e)}</code> },
];

// TimelineTable shows what all players sent and received, the newest first.
export function TimelineTable() {
  const held = useSignal<Entry[] | null>(null);
  timeline.changed.value;
  const who = filter("player");
  const way = filter("way");
  const text = filter("text").toLowerCase();
  const rows = (held.value ?? timeline.entries).filter((e) => (!who || String(e.player) === who) && (!way || e.way === way) && (!text || e.kind.includes(text) || summary(e).toLowerCase().includes(text))).reverse();
  return (
    <>
      <div class="tools">
        <Search name="text" label="Message or content" />
        <Choice name="player" label="Player" options={[["", "All players"], ...players.value.map((p) => [String(p.number), `${p.number}. ${p.username.value || p.account.username}`] as const)]} />
        <Choice
          name="way"
          label="Way"
          options={[
            ["", "Both ways"],
            ["sent", "Sent"],
            ["received", "Received"],
            ["lost", "Lost"],
          ]}
        />
        <button type="button" aria-pressed={held.value !== null} onClick={() => (held.value = held.value ? null : [...timeline.entries])}>
          Hold
        </button>
        <button type="button" onClick={() => (timeline.clear(), (held.value = null))}>
          Clear
        </button>
      </div>
      <Table label="Time line" rows={rows} columns={columns} rowKey={(e) => String(e.n)} open={(e) => void show((close) => <Details entry={e} close={close} />)} empty="Nothing was sent or received." />
    </>
  );
}

function Details({ entry, close }: { entry: Entry; close: () => void }) {
  const data = payloadOf(entry);
  const payload = data === undefined ? null : decode(data);
  return (
    <Dialog title={entry.kind} wide onClose={close}>
      <div class="stack">
        <Facts
          of={[
            ["Player", String(entry.player)],
            ["Time", time(entry)],
            ["Way", arrows[entry.way]],
          ]}
        />
        {payload && (
          <>
            <h3>Payload{payload.format === "hex" ? ", in hexadecimal" : ""}</h3>
            <pre class="code">{pretty(payload.text) || "Empty"}</pre>
          </>
        )}
        <h3>Message</h3>
        <pre class="code">{pretty(entry.text)}</pre>
        <div class="buttons">
          <button type="button" class="primary" onClick={close}>
            Close
          </button>
        </div>
      </div>
    </Dialog>
  );
}
