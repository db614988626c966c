import { useSignal } from "@preact/signals";
import { get, post } from "../lib/api";
import { usePages } from "../lib/load";
import { go, href } from "../lib/router";
import { orders, operators } from "../parts/boards";
import { Action } from "../ui/action";
import { FormDialog, show } from "../ui/dialog";
import { Check, SelectField, TextField } from "../ui/field";
import { JsonEditor } from "../ui/json_editor";
import { Badge } from "../ui/show";
import { type Column, Table } from "../ui/table";

interface Row {
  id: string;
  sort_order: number;
  operator: number;
  reset_schedule: string;
  authoritative: boolean;
  tournament: boolean;
}

const address = (id: string) => `/leaderboards/${encodeURIComponent(id)}`;

const columns: Column<Row>[] = [
  { title: "Id", cell: (b) => <a href={href(address(b.id))} tabIndex={-1}>{b.id}</a>, sort: (b) => b.id },
  { title: "", width: "7rem", cell: (b) => b.tournament && <Badge kind="info">tournament</Badge> },
  { title: "Best is", width: "7rem", cell: (b) => orders[b.sort_order], sort: (b) => b.sort_order },
  { title: "Keeps", width: "9rem", wide: true, cell: (b) => operators[b.operator], sort: (b) => b.operator },
  { title: "Resets", width: "10rem", wide: true, cell: (b) => b.reset_schedule && <code>{b.reset_schedule}</code> },
  { title: "Written by", width: "9rem", wide: true, cell: (b) => (b.authoritative ? "the server" : "players, too") },
];

export default function Leaderboards() {
  const pages = usePages(async (cursor, signal) => {
    const list = await get<{ leaderboards: Row[]; total: number; cursor: string }>("leaderboard", { cursor }, signal);
    return { rows: list.leaderboards, cursor: list.cursor, total: list.total };
  }, []);
  const create = async () => {
    const id = await show<string>((close) => <Create close={close} />);
    if (id) go(address(id));
  };
  return (
    <>
      <div class="tools">
        <Action label="New leaderboard" icon="plus" right="LEADERBOARD:write" run={create} />
        <span class="count">{pages.total?.toLocaleString("en")}</span>
      </div>
      <Table
        label="Leaderboards"
        rows={pages.rows}
        columns={columns}
        rowKey={(b) => b.id}
        open={(b) => go(address(b.id))}
        loading={pages.loading}
        error={pages.error}
        retry={pages.reload}
        more={pages.more}
        next={pages.next}
        empty="There are no leaderboards yet."
      />
    </>
  );
}

function Create({ close }: { close: (id?: string) => void }) {
  const id = useSignal("");
  const order = useSignal("desc");
  const operator = useSignal("best");
  const schedule = useSignal("");
  const authoritative = useSignal(true);
  const tournament = useSignal(false);
  const duration = useSignal("3600");
  const title = useSignal("");
  const max = useSignal("");
  const joined = useSignal(false);
  const metadata = useSignal("{}");
  return (
    <FormDialog
      title="New leaderboard"
      action="Create"
      wide
      disabled={!id.value}
      onClose={close}
      onSubmit={async () => {
        const body: Record<string, unknown> = {
          id: id.value,
          sort_order: order.value,
          operator: operator.value,
          reset_schedule: schedule.value,
          authoritative: authoritative.value,
          metadata: metadata.value,
        };
        if (tournament.value) Object.assign(body, { duration: duration.value, title: title.value, max_size: Number(max.value), join_required: joined.value });
        await post("leaderboard", body);
        close(id.value);
      }}
    >
      <div class="columns">
        <TextField label="Id" value={id} required autofocus />
        <SelectField label="Best is" value={order} options={[["desc", "the highest score"], ["asc", "the lowest score"]]} />
        <SelectField label="Keeps" value={operator} options={[["best", "the best score"], ["set", "the last score"], ["incr", "the sum"], ["decr", "what is left"]]} />
        <TextField label="Resets" hint="A cron expression, such as 0 0 * * 1; blank: never" value={schedule} />
      </div>
      <Check label="Only the server may write scores" value={authoritative} />
      <Check label="It is a tournament" value={tournament} />
      {tournament.value && (
        <div class="columns">
          <TextField label="Duration in seconds" type="number" min={1} value={duration} required />
          <TextField label="Title" value={title} />
          <TextField label="Players at most" hint="Blank: any number" type="number" min={0} value={max} />
          <Check label="Players have to join first" value={joined} />
        </div>
      )}
      <JsonEditor label="Metadata" value={metadata} wanted="object" />
    </FormDialog>
  );
}
