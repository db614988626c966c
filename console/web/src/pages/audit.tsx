import { get } from "../lib/api";
import { pretty } from "../lib/json";
import { useLoad, usePages } from "../lib/load";
import { filter, setFilters } from "../lib/router";
import { useResources } from "../parts/rights";
import { Dialog, show } from "../ui/dialog";
import { JsonText } from "../ui/json_editor";
import { Choice } from "../ui/search";
import { Badge, Facts, When } from "../ui/show";
import { type Column, Table } from "../ui/table";

interface Entry {
  id: string;
  timestamp: string | null;
  user_id: string;
  username: string;
  email: string;
  resource: number;
  action: number;
  message: string;
  metadata: string;
}

const actions = ["unknown", "create", "update", "delete", "invoke", "import", "export"];
const kinds = [undefined, "good", "info", "bad", undefined, "good", undefined] as const;

// Audit is what operators changed.
export default function Audit() {
  const resources = useResources();
  const users = useLoad((signal) => get<{ usernames: string[] }>("audit/log/users", {}, signal), []);
  const time = (name: string) => (Date.parse(filter(name)) ? new Date(filter(name)).toISOString() : "");
  const filters = { username: filter("user"), resource: filter("resource"), action: filter("action"), after: time("after"), before: time("before") };
  const pages = usePages(
    async (cursor, signal) => {
      const list = await get<{ entries: Entry[]; next_cursor: string }>("audit/log", { ...filters, limit: 100, cursor }, signal);
      return { rows: list.entries, cursor: list.next_cursor };
    },
    Object.values(filters),
  );
  const columns: Column<Entry>[] = [
    { title: "Time", width: "10.5rem", cell: (e) => <When at={e.timestamp} /> },
    { title: "Operator", width: "minmax(6rem, 10rem)", cell: (e) => e.username },
    { title: "Did", width: "6rem", cell: (e) => <Badge kind={kinds[e.action]}>{actions[e.action]}</Badge> },
    { title: "Resource", width: "11rem", wide: true, cell: (e) => resources[e.resource] },
    { title: "Call", width: "minmax(9rem, 14rem)", cell: (e) => e.message },
    { title: "With", wide: true, cell: (e) => <JsonText value={e.metadata} /> },
  ];
  return (
    <>
      <div class="tools">
        <Choice name="user" label="Operator" options={[["", "All operators"], ...(users.data?.usernames ?? []).map((u) => [u, u] as const)]} />
        <Choice name="resource" label="Resource" options={[["", "All resources"], ...resources.map((r) => [r, r] as const)]} />
        <Choice name="action" label="Action" options={[["", "All actions"], ...actions.slice(1).map((a, i) => [String(i + 1), a] as const)]} />
        <Since name="after" label="After" />
        <Since name="before" label="Before" />
      </div>
      <Table
        label="Audit log"
        rows={pages.rows}
        columns={columns}
        rowKey={(e) => e.id}
        open={(e) =>
          void show((close) => (
            <Dialog title={e.message} wide onClose={close}>
              <Facts
                of={[
                  ["Time", <When at={e.timestamp} />],
                  ["Operator", `${e.username}, ${e.email}`],
                  ["Resource", resources[e.resource]],
                  ["Action", actions[e.action]],
                ]}
              />
              <pre>{pretty(e.metadata)}</pre>
              <div class="buttons">
                <button onClick={() => close()}>Close</button>
              </div>
            </Dialog>
          ))
        }
        loading={pages.loading}
        error={pages.error}
        retry={pages.reload}
        more={pages.more}
        next={pages.next}
        empty="Nothing is recorded."
      />
    </>
  );
}

// Since is a field for a time in the address.
const Since = ({ name, label }: { name: string; label: string }) => (
  <label class="check">
    <span class="dim">{label}</span>
    <input type="datetime-local" value={filter(name)} onChange={(e) => setFilters({ [name]: e.currentTarget.value })} />
  </label>
);
