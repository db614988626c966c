import { useState } from "preact/hooks";
import { save } from "../lib/files";
import { pretty } from "../lib/json";
import { useLive } from "../lib/live";
import { filter, href } from "../lib/router";
import { clock } from "../lib/time";
import type { Time } from "../lib/types";
import { Action } from "../ui/action";
import { Dialog, show } from "../ui/dialog";
import { Choice, Search } from "../ui/search";
import { Badge, Facts, Id, Problem, When } from "../ui/show";
import { type Column, Table } from "../ui/table";

interface Entry {
  time: Time;
  level: string;
  message: string;
  error: string;
  stack: string;
  runtime: string;
  module: string;
  function: string;
  user_id: string;
  session_id: string;
  match_id: string;
  trace_id: string;
  fields: string;
}

interface Line extends Entry {
  number: number;
}

const kept = 5000; // lines that the page keeps

const kinds: Record<string, "bad" | "warn" | "info" | undefined> = { error: "bad", fatal: "bad", panic: "bad", warn: "warn", info: "info" };

const columns: Column<Line>[] = [
  { title: "Time", width: "5.5rem", cell: (l) => <span title={l.time ?? ""}>{l.time && clock(new Date(l.time))}</span> },
  { title: "Level", width: "4.5rem", cell: (l) => <Badge kind={kinds[l.level]}>{l.level}</Badge> },
  { title: "Message", width: "minmax(12rem, 4fr)", cell: (l) => (l.error ? <>{l.message}: <span class="error">{l.error}</span></> : l.message) },
  { title: "Module", width: "minmax(6rem, 1fr)", wide: true, cell: (l) => <span class="dim">{[l.module, l.function].filter(Boolean).join(", ")}</span> },
  { title: "Other", width: "minmax(6rem, 1fr)", wide: true, cell: (l) => l.fields && l.fields !== "{}" && <code class="dim">{l.fields}</code> },
];

// Logs shows the server's log as it is written, the latest line first.
export default function Logs() {
  const names = ["level", "runtime", "module", "user_id", "match_id", "trace_id", "text"];
  const filters = Object.fromEntries(names.map((name) => [name, filter(name)]));
  const [paused, pause] = useState(false);
  const [lines, set] = useState<Line[]>([]);
  const [error, setError] = useState<unknown>();
  return (
    <>
      <div class="tools">
        <Choice name="level" label="Level" options={[["", "All levels"], ["info", "Info and above"], ["warn", "Warnings and errors"], ["error", "Errors"]]} />
        <Choice name="runtime" label="Language" options={[["", "All sources"], ["javascript", "JavaScript"], ["lua", "Lua"], ["go", "Go modules"]]} />
        <Search name="text" label="Text" />
        <Search name="module" label="Module" />
        <Search name="user_id" label="Id of a player" />
        <Search name="match_id" label="Match id" />
        <Search name="trace_id" label="Trace id" />
        <Action label={paused ? "Go on" : "Pause"} run={() => pause(!paused)} />
        <Action label="Clear" kind="plain" run={() => set([])} />
        <Action label="Save" kind="plain" run={() => save("log.jsonl", [...lines].reverse().map((l) => JSON.stringify({ ...l, number: undefined })).join("\n") + "\n", "application/jsonl")} />
      </div>
      {error !== undefined && <Problem error={error} />}
      {!paused && <Follow key={Object.values(filters).join("\n")} filters={filters} set={set} failed={setError} />}
      <Table label="Log" rows={lines} columns={columns} rowKey={(l) => String(l.number)} open={showLine} empty="Nothing is logged yet." />
    </>
  );
}

interface FollowProps {
  filters: Record<string, string>;
  set: (change: (lines: Line[]) => Line[]) => void;
  failed: (error: unknown) => void;
}

let number = 0;

// Follow adds new lines while it is shown. It begins with those that were logged last.
function Follow({ filters, set, failed }: FollowProps) {
  let first = true;
  useLive(
    "logs",
    () => {
      first = true;
      return { ...filters, limit: 500 };
    },
    ({ entries, missed }: { entries: Entry[]; missed: number }) => {
      const added = entries.map((e) => ({ ...e, number: ++number })).reverse();
      const gap = missed > 0 ? [{ ...blank, message: `${missed} lines were logged too fast to be shown`, number: ++number }] : [];
      const replace = first;
      first = false;
      set((before) => (replace ? added : [...added, ...gap, ...before].slice(0, kept)));
    },
    [],
    (error) => failed(new Error(error.message)),
  );
  return null;
}

const blank: Entry = { time: null, level: "warn", message: "", error: "", stack: "", runtime: "", module: "", function: "", user_id: "", session_id: "", match_id: "", trace_id: "", fields: "" };

function showLine(l: Line): void {
  // The same filter, as a link: all lines with this value.
  const all = (name: "user_id" | "match_id" | "trace_id" | "module", close: () => void) =>
    l[name] && (
      <>
        <Id value={l[name]} />{" "}
        <a href={href("/logs", { [name]: l[name] })} onClick={close}>
          all lines
        </a>
      </>
    );
  void show<void>((close) => (
    <Dialog title={l.message} wide onClose={close}>
      <div class="stack">
        {l.error && <pre class="error">{l.error}</pre>}
        {l.stack && <pre>{l.stack}</pre>}
        <Facts
          of={[
            ["Time", <When at={l.time} />],
            ["Level", <Badge kind={kinds[l.level]}>{l.level}</Badge>],
            ["Module", all("module", close)],
            ["Function", l.function],
            ["Player", all("user_id", close)],
            ["Session", l.session_id],
            ["Match", all("match_id", close)],
            ["Trace", all("trace_id", close)],
          ]}
        />
        {l.fields && l.fields !== "{}" && <pre>{pretty(l.fields)}</pre>}
        <div class="buttons">
          <button onClick={() => close()}>Close</button>
        </div>
      </div>
    </Dialog>
  ));
}
