import { useState } from "preact/hooks";
import { get } from "../lib/api";
import { bytes } from "../lib/format";
import { usePages } from "../lib/load";
import { filter, go, href } from "../lib/router";
import type { Time } from "../lib/types";
import { MatchTabs } from "../parts/match_tabs";
import { Action } from "../ui/action";
import { Choice, Search } from "../ui/search";
import { Badge, Card, When } from "../ui/show";
import { type Column, Table } from "../ui/table";

// Recording is the file of a recording.
export interface Recording {
  name: string;
  size: number;
  end_time: Time;
  create_time: Time;
  match_id: string;
  node: string;
  handler: string;
  runtime: string;
  server_version: string;
  module_version: string;
  label: string;
  tick_rate: number;
  first_tick: number;
  last_tick: number;
  from_start: boolean;
  error: string;
  error_in: string;
  stack: string;
  problem: string;
  incomplete: boolean;
  replay_problem: string;
}

interface List {
  recordings: Recording[];
  next_cursor: string;
  mode: string;
}

const address = (r: Recording) => `/matches/recordings/${encodeURIComponent(r.name)}`;

const columns: Column<Recording>[] = [
  { title: "Ended", width: "10.5rem", cell: (r) => (r.problem ? <When at={r.end_time} /> : <a href={href(address(r))}><When at={r.end_time} /></a>) },
  { title: "Handler", width: "9rem", cell: (r) => (r.problem ? <Badge kind="warn">cannot be read</Badge> : r.handler) },
  { title: "Error", cell: (r) => (r.problem ? <span title={r.problem}>{r.problem}</span> : r.error ? <span class="error" title={r.error}>{r.error}</span> : <span class="faint">–</span>) },
  { title: "Match", width: "minmax(9rem, 20rem)", wide: true, cell: (r) => <span class="mono">{r.match_id}</span> },
  { title: "Label", wide: true, cell: (r) => r.label },
  { title: "Ticks", width: "8rem", right: true, cell: (r) => !r.problem && `${r.first_tick}–${r.last_tick}` },
  { title: "Size", width: "5rem", right: true, wide: true, cell: (r) => bytes(r.size) },
];

export default function Recordings() {
  const query = { match_id: filter("match"), handler: filter("handler"), error: filter("error"), failed: filter("failed") };
  const [mode, setMode] = useState("");
  const pages = usePages<Recording>(async (cursor, signal) => {
    const part = await get<List>("recording", { ...query, cursor }, signal);
    setMode(part.mode);
    return { rows: part.recordings, cursor: part.next_cursor };
  }, Object.values(query));
  const filtered = Object.values(query).some(Boolean);
  return (
    <>
      <MatchTabs />
      <div class="tools">
        <Search name="match" label="Match id" />
        <Search name="handler" label="Handler" />
        <Search name="error" label="Error" hint="A part of its text" />
        <Choice name="failed" label="Which" options={[["", "All recordings"], ["true", "Failed matches"]]} />
        <Action label="Reload" icon="reload" kind="plain" iconOnly run={pages.reload} />
      </div>
      <Table
        label="Recordings"
        rows={pages.rows}
        columns={columns}
        rowKey={(r) => r.name}
        open={(r) => !r.problem && go(address(r))}
        loading={pages.loading}
        error={pages.error}
        retry={pages.reload}
        more={pages.more}
        next={pages.next}
        empty={filtered ? "There are no such recordings." : "There are no recordings."}
      />
      {!filtered && !pages.loading && pages.error === undefined && pages.rows.length === 0 && <HowTo mode={mode} />}
    </>
  );
}

// HowTo says how matches are recorded.
const HowTo = ({ mode }: { mode: string }) => (
  <Card title="How matches are recorded">
    {mode === "off" ? (
      <p>
        Recording is off. With the setting <code>match.record: error</code> the last minutes of every match are kept in memory, and written to a file if its handler fails; with <code>always</code> each match is written while it runs.
      </p>
    ) : (
      <p>{mode === "error" ? "A match is written to a file if its handler fails." : "Each match is written to a file while it runs: after a minute, and when it ends."} None has been since this folder is used.</p>
    )}
    <p>
      A handler turns the recording of its match on by itself with <code>dispatcher.matchRecord(true)</code>, in Lua <code>dispatcher.match_record(true)</code>. A recording is here after a minute, or when the match has ended.
    </p>
  </Card>
);
