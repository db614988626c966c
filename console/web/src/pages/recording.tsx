import { del, get, path, request } from "../lib/api";
import { save } from "../lib/files";
import { bytes } from "../lib/format";
import { useLoad } from "../lib/load";
import { filter, go, href, setFilters } from "../lib/router";
import { withStack } from "../parts/tick";
import type { PageProps } from "../routes";
import { Action } from "../ui/action";
import { Badge, Card, Facts, Id, Loaded, When } from "../ui/show";
import { RecordedTick } from "./recording/tick";
import { Timeline } from "./recording/timeline";
import type { Recording } from "./recordings";

// RecordingPage shows the recording of a match: its time line, and what happened in a tick.
export default function RecordingPage({ params }: PageProps) {
  const name = params.name!;
  const head = useLoad((signal) => get<Recording>(path`recording/${name}`, {}, signal), [name]);
  return <Loaded of={head}>{(r) => <Shown of={r} />}</Loaded>;
}

function Shown({ of: r }: { of: Recording }) {
  const asked = Number(filter("tick") || NaN);
  const tick = Number.isInteger(asked) ? Math.min(r.last_tick, Math.max(r.first_tick, asked)) : r.error ? r.last_tick : r.first_tick;
  const choose = (n: number) => setFilters({ tick: n });
  return (
    <>
      <Card
        actions={
          <>
            <Action label="Download" icon="data" right="MATCH:write" run={async () => save(r.name, await request("GET", path`recording/${r.name}/file`, {}, (file) => file.blob()))} />
            <Action
              label="Delete"
              kind="danger"
              right="MATCH:delete"
              confirm={{ title: "Delete the recording?", text: "The file is removed for good.", action: "Delete", danger: true }}
              run={async () => {
                await del(path`recording/${r.name}`);
                go("/matches/recordings");
              }}
              done="The recording was deleted."
            />
          </>
        }
      >
        <Facts
          of={[
            ["Match", <Id value={r.match_id} to={href("/matches/recordings", { match: r.match_id })} />],
            ["Handler", `${r.handler} (${r.runtime})`],
            ["Result", r.error ? <Badge kind="bad">failed in {r.error_in}</Badge> : r.incomplete ? <Badge kind="warn">runs, or its server was killed</Badge> : <Badge kind="good">ended</Badge>],
            ["Label", r.label],
            ["Began", <When at={r.create_time} />],
            [r.incomplete ? "Last written" : "Ended", <When at={r.end_time} />],
            ["Ticks", `${r.first_tick} to ${r.last_tick}, ${r.tick_rate} a second`],
            ["Modules", r.module_version],
            ["Server", `${r.server_version}, node ${r.node}`],
            ["File", bytes(r.size)],
          ]}
        />
        {r.error && <pre class="problem">{withStack(r.error, r.stack)}</pre>}
        {!r.from_start && <p class="dim">What came before tick {r.first_tick} is in an older file, or did not fit into memory.</p>}
      </Card>
      <div class="split recorded">
        <Timeline of={r} tick={tick} choose={choose} />
        <div class="stack">
          <RecordedTick of={r} number={tick} choose={choose} />
        </div>
      </div>
    </>
  );
}
