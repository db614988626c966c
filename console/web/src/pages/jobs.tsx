import { useSignal } from "@preact/signals";
import { get, path, post } from "../lib/api";
import { count, milliseconds } from "../lib/format";
import { useLoad } from "../lib/load";
import type { Time } from "../lib/types";
import { Action } from "../ui/action";
import { Dialog, FormDialog, show } from "../ui/dialog";
import { JsonEditor } from "../ui/json_editor";
import { Badge, Facts, When } from "../ui/show";
import { type Column, Table } from "../ui/table";
import { tell } from "../ui/toast";

interface Job {
  name: string;
  registered: boolean;
  schedule: string;
  next_time: Time;
  queued: string;
  retrying: string;
  runs: string;
  failures: string;
  last_time: Time;
  last_took_ms: string;
  last_node: string;
  failed_time: Time;
  error_message: string;
}

// Jobs are what modules do at times, or when it is their turn.
export default function Jobs() {
  const jobs = useLoad((signal) => get<{ jobs: Job[] }>("job", {}, signal), []);
  const run = async (name: string) => {
    const id = await show<string>((close) => <Run name={name} close={close} />);
    if (!id) return;
    tell(`${name} will run now.`);
    setTimeout(jobs.reload, 1000);
  };
  const columns: Column<Job>[] = [
    { title: "Job", cell: (j) => j.name, sort: (j) => j.name },
    { title: "Schedule", width: "8rem", wide: true, cell: (j) => j.schedule && <code>{j.schedule}</code> },
    { title: "Next", width: "10.5rem", wide: true, cell: (j) => <When at={j.next_time} />, sort: (j) => j.next_time ?? "" },
    { title: "Queued", width: "4.5rem", right: true, cell: (j) => count(Number(j.queued)), sort: (j) => Number(j.queued) },
    { title: "Runs", width: "4.5rem", right: true, cell: (j) => count(Number(j.runs)), sort: (j) => Number(j.runs) },
    { title: "Failed", width: "4.5rem", right: true, cell: (j) => (Number(j.failures) > 0 ? <span class="error">{count(Number(j.failures))}</span> : 0), sort: (j) => Number(j.failures) },
    { title: "Last", width: "10.5rem", wide: true, cell: (j) => <When at={j.last_time} />, sort: (j) => j.last_time ?? "" },
    { title: "", width: "6.5rem", wide: true, cell: (j) => !j.registered && <Badge kind="warn">unregistered</Badge> },
    { title: "", width: "6rem", right: true, cell: (j) => <Action label="Run now" kind="plain" right="API_EXPLORER:write" disabled={!j.registered} run={() => run(j.name)} /> },
  ];
  return (
    <>
      <div class="tools">
        <Action label="Reload" icon="reload" run={jobs.reload} />
      </div>
      <Table
        label="Jobs"
        rows={jobs.data?.jobs ?? []}
        columns={columns}
        rowKey={(j) => j.name}
        open={(j) =>
          void show<void>((close) => (
            <Dialog title={j.name} wide onClose={close}>
              <div class="stack">
                <Facts
                  of={[
                    ["Schedule", j.schedule && <code>{j.schedule}</code>],
                    ["Next run", <When at={j.next_time} />],
                    ["Queued", count(Number(j.queued))],
                    ["Tried again", count(Number(j.retrying))],
                    ["Last run", <When at={j.last_time} />],
                    ["It took", milliseconds(Number(j.last_took_ms))],
                    ["On", j.last_node],
                    ["Last failure", <When at={j.failed_time} />],
                  ]}
                />
                {j.error_message && <pre class="error">{j.error_message}</pre>}
                <div class="buttons">
                  <button onClick={() => close()}>Close</button>
                </div>
              </div>
            </Dialog>
          ))
        }
        loading={jobs.loading && !jobs.data}
        error={jobs.error}
        retry={jobs.reload}
        empty="The modules register no jobs."
      />
    </>
  );
}

function Run({ name, close }: { name: string; close: (id?: string) => void }) {
  const payload = useSignal("");
  return (
    <FormDialog
      title={`Run ${name} now?`}
      action="Run"
      onClose={close}
      onSubmit={async () => close((await post<{ id: string }>(path`job/${name}/run`, { payload: payload.value })).id)}
    >
      <p>It runs beside its schedule, which stays.</p>
      <JsonEditor label="Payload" value={payload} height="4rem" />
    </FormDialog>
  );
}
