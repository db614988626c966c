import { useSignal } from "@preact/signals";
import { del, get, messageOf, path, post, put, RawJson, text } from "../lib/api";
import { choose, save } from "../lib/files";
import { type Node, parse, write } from "../lib/json";
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
  const exports: string[] = [];
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
        <Action label="Import" icon="data" right="ACCOUNT_EXPORT:write" run={importAccounts} />
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
            label: "Export",
            right: "ACCOUNT_EXPORT:read",
            run: async (id) => exports.push(await text(path`account/${id}/export`)),
            done: () => {
              save("players.json", `[\n${exports.join(",\n")}\n]\n`);
              exports.length = 0;
            },
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
        selection={!tombstones && (can("ACCOUNT:write") || can("ACCOUNT:delete") || can("ACCOUNT_EXPORT:read")) ? selection : undefined}
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

// Exported is an account of a file, as far as the dialog shows it.
interface Exported {
  id: string;
  username: string;
  objects: number;
  data: string; // as it is in the file
}

const field = (node: Node | undefined, name: string) => (node?.kind === "object" ? node.entries.find(([key]) => key === name)?.[1] : undefined);

function exported(node: Node, file: string): Exported {
  const user = field(field(node, "account"), "user");
  const text = (name: string) => {
    const value = field(user, name);
    return value?.kind === "string" ? value.value : "";
  };
  if (!text("id")) throw new Error(`${file} is not an exported account: it has no account.user.id.`);
  const objects = field(node, "objects");
  return { id: text("id"), username: text("username"), objects: objects?.kind === "array" ? objects.items.length : 0, data: write(node, 0) };
}

// importAccounts makes or overwrites accounts with files that were exported: of one
// account, or a list of several.
async function importAccounts(): Promise<void> {
  const accounts: Exported[] = [];
  for (const file of await choose("application/json,.json", true)) {
    const root = parse(await file.text());
    for (const node of root.kind === "array" ? root.items : [root]) accounts.push(exported(node, file.name));
  }
  if (accounts.length === 0) return;
  if (!(await show<boolean>((close) => <ImportDialog accounts={accounts} close={close} />))) return;
  tell(accounts.length === 1 ? "The account was imported." : `${accounts.length} accounts were imported.`);
  if (accounts.length === 1) go(`/players/${accounts[0]!.id}`);
  else go("/players");
}

function ImportDialog({ accounts, close }: { accounts: Exported[]; close: (done?: boolean) => void }) {
  const how = useSignal("new");
  const done = useSignal(0);
  const submit = async () => {
    // After an error it goes on with the account that failed.
    for (const { id, username, data } of accounts.slice(done.value)) {
      const body = new RawJson(`{"id":${JSON.stringify(id)},"data":${data}}`);
      try {
        if (how.value === "new") await post("account", body);
        else await put(path`account/${id}/import`, body);
      } catch (e) {
        throw new Error(`${username}: ${messageOf(e)}`);
      }
      done.value++;
    }
    close(true);
  };
  return (
    <FormDialog title={accounts.length === 1 ? "Import an account" : `Import ${accounts.length} accounts`} action="Import" onClose={close} onSubmit={submit}>
      <div class="list scrolls">
        {accounts.map((a, i) => (
          <div key={a.id}>
            <span class="grow">
              <b>{a.username}</b>, {a.objects} storage objects
            </span>
            <span class="faint mono">{a.id}</span>
            {i < done.value && <Badge kind="good">imported</Badge>}
          </div>
        ))}
      </div>
      <p class="dim">Friends, groups, messages and records are not imported.</p>
      {done.value > 0 && <progress value={done.value} max={accounts.length} />}
      <SelectField
        label="What to do"
        value={how}
        options={[
          ["new", "Make the accounts"],
          ["over", "Replace metadata, wallet and storage of the accounts that are there"],
        ]}
      />
    </FormDialog>
  );
}
