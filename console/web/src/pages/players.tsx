import { useSignal } from "@preact/signals";
import { del, get, path, post, put, RawJson } from "../lib/api";
import { choose } from "../lib/files";
import { parse, write } from "../lib/json";
import { usePages } from "../lib/load";
import { filter, go, href, setFilters } from "../lib/router";
import { can } from "../lib/session";
import type { AccountList, Player } from "../lib/types";
import { Action } from "../ui/action";
import { Bulk } from "../ui/bulk";
import { FormDialog, show } from "../ui/dialog";
import { SelectField } from "../ui/field";
import { Search } from "../ui/search";
import { Badge, Id, When } from "../ui/show";
import { type Column, Table } from "../ui/table";
import { tell } from "../ui/toast";

const address = (p: Player) => `/players/${p.id}`;

const columns: Column<Player>[] = [
  { title: "Username", cell: (p) => <a href={href(address(p))} tabIndex={-1}>{p.username || "(the server)"}</a>, sort: (p) => p.username },
  { title: "Display name", cell: (p) => p.display_name, sort: (p) => p.display_name },
  { title: "Id", width: "minmax(8rem, 20rem)", wide: true, cell: (p) => <Id value={p.id} /> },
  { title: "", width: "5rem", cell: (p) => p.online && <Badge kind="good">online</Badge> },
  { title: "Created", width: "11rem", wide: true, cell: (p) => <When at={p.create_time} />, sort: (p) => p.create_time ?? "" },
  { title: "Updated", width: "11rem", wide: true, cell: (p) => <When at={p.update_time} />, sort: (p) => p.update_time ?? "" },
];

const deleted: Column<Player>[] = [
  { title: "Id of the deleted account", width: "minmax(18rem, 1fr)", cell: (p) => <Id value={p.id} /> },
  { title: "Deleted", width: "11rem", cell: (p) => <When at={p.update_time} /> },
];

export default function Players() {
  const search = filter("filter");
  const tombstones = filter("deleted") === "yes";
  const selection = useSignal<ReadonlySet<string>>(new Set());
  const pages = usePages(
    async (cursor, signal) => {
      const list = await get<AccountList>("account", { filter: search, tombstones: tombstones || undefined, cursor, limit: 500 }, signal);
      return { rows: list.users, cursor: list.next_cursor, total: search ? list.users.length : list.total_count };
    },
    [search, tombstones],
  );
  return (
    <>
      <div class="tools">
        <Search name="filter" label="Username, id, e-mail or display name" hint="Part of a username with %: bob%" />
        <label class="check">
          <input type="checkbox" checked={tombstones} onChange={(e) => setFilters({ deleted: e.currentTarget.checked ? "yes" : "", filter: "" })} />
          Deleted
        </label>
        <Action label="Import" icon="data" right="ACCOUNT_EXPORT:write" run={importAccount} />
        <span class="count">{pages.total?.toLocaleString("en")}</span>
      </div>
      <Bulk
        selection={selection}
        actions={[
          {
            label: "Ban",
            right: "ACCOUNT:write",
            confirm: (n) => ({ title: `Ban ${n} players?`, text: "They are disconnected and cannot sign in until the ban is lifted.", action: "Ban", danger: true }),
            run: (id) => post(path`account/${id}/ban`),
            done: () => {},
          },
          {
            label: "Delete",
            right: "ACCOUNT:delete",
            danger: true,
            confirm: (n) => ({ title: `Delete ${n} players?`, text: "Their accounts, scores, storage and groups are deleted for good.", action: "Delete", danger: true, word: String(n) }),
            run: (id) => del(path`account/${id}`),
            done: (gone) => pages.drop((p) => gone.has(p.id)),
          },
        ]}
      />
      <Table
        key={String(tombstones)}
        label="Players"
        rows={pages.rows}
        columns={tombstones ? deleted : columns}
        rowKey={(p) => p.id}
        open={tombstones ? undefined : (p) => go(address(p))}
        selection={!tombstones && (can("ACCOUNT:write") || can("ACCOUNT:delete")) ? selection : undefined}
        loading={pages.loading}
        error={pages.error}
        retry={pages.reload}
        more={pages.more}
        next={pages.next}
        empty={search ? "No player is found." : tombstones ? "No deletion is recorded." : "There are no players yet."}
      />
    </>
  );
}

// importAccount makes or overwrites an account with a file that was exported.
async function importAccount(): Promise<void> {
  const [file] = await choose("application/json,.json");
  if (!file) return;
  const data = parse(await file.text());
  const field = (node: typeof data | undefined, name: string) => (node?.kind === "object" ? node.entries.find(([key]) => key === name)?.[1] : undefined);
  const user = field(field(data, "account"), "user");
  const text = (name: string) => {
    const value = field(user, name);
    return value?.kind === "string" ? value.value : "";
  };
  if (!text("id")) throw new Error("The file is not an exported account: it has no account.user.id.");
  const objects = field(data, "objects");
  const done = await show<string>((close) => (
    <ImportDialog id={text("id")} username={text("username")} objects={objects?.kind === "array" ? objects.items.length : 0} data={write(data, 0)} close={close} />
  ));
  if (!done) return;
  tell("The account was imported.");
  go(`/players/${done}`);
}

interface ImportProps {
  id: string;
  username: string;
  objects: number;
  data: string;
  close: (id?: string) => void;
}

function ImportDialog({ id, username, objects, data, close }: ImportProps) {
  const into = useSignal("new");
  return (
    <FormDialog
      title="Import an account"
      action="Import"
      onClose={close}
      onSubmit={async () => {
        const body = new RawJson(`{"id":${JSON.stringify(id)},"data":${data}}`);
        if (into.value === "new") await post("account", body);
        else await put(path`account/${id}/import`, body);
        close(id);
      }}
    >
      <p>
        The file has the account of <b>{username}</b> with {objects} storage objects. Friends, groups, messages and records are not imported.
      </p>
      <p>
        <Id value={id} />
      </p>
      <SelectField
        label="What to do"
        value={into}
        options={[
          ["new", "Make the account"],
          ["over", "Replace metadata, wallet and storage of the account that is there"],
        ]}
      />
    </FormDialog>
  );
}
