import { useSignal } from "@preact/signals";
import { del, get, path } from "../lib/api";
import { usePages } from "../lib/load";
import { filter, go, href } from "../lib/router";
import { can } from "../lib/session";
import type { Group } from "../lib/types";
import { Bulk } from "../ui/bulk";
import { Search } from "../ui/search";
import { Badge, Id, When } from "../ui/show";
import { type Column, Table } from "../ui/table";

interface GroupList {
  groups: Group[];
  total_count: number;
  next_cursor: string;
}

const columns: Column<Group>[] = [
  { title: "Name", cell: (g) => <a href={href(`/groups/${g.id}`)} tabIndex={-1}>{g.name}</a>, sort: (g) => g.name },
  { title: "Id", width: "minmax(8rem, 20rem)", wide: true, cell: (g) => <Id value={g.id} /> },
  { title: "Members", width: "7rem", right: true, cell: (g) => `${g.edge_count} of ${g.max_count}`, sort: (g) => g.edge_count },
  { title: "", width: "6rem", cell: (g) => <Badge kind={g.open ? "good" : undefined}>{g.open ? "open" : "on request"}</Badge> },
  { title: "Created", width: "11rem", wide: true, cell: (g) => <When at={g.create_time} />, sort: (g) => g.create_time ?? "" },
];

export default function Groups() {
  const search = filter("filter");
  const selection = useSignal<ReadonlySet<string>>(new Set());
  const pages = usePages(
    async (cursor, signal) => {
      const list = await get<GroupList>("group", { filter: search, cursor }, signal);
      return { rows: list.groups, cursor: list.next_cursor, total: search ? undefined : list.total_count };
    },
    [search],
  );
  return (
    <>
      <div class="tools">
        <Search name="filter" label="Id, name or part of it with %" hint="For example guild%" />
        {!search && <span class="count">{pages.total?.toLocaleString("en")}</span>}
      </div>
      <Bulk
        selection={selection}
        actions={[
          {
            label: "Delete",
            right: "GROUP:delete",
            danger: true,
            confirm: (n) => ({ title: `Delete ${n} groups?`, text: "Their members and messages are deleted, too.", action: "Delete", danger: true, word: String(n) }),
            run: (id) => del(path`group/${id}`),
            done: (gone) => pages.drop((g) => gone.has(g.id)),
          },
        ]}
      />
      <Table
        label="Groups"
        rows={pages.rows}
        columns={columns}
        rowKey={(g) => g.id}
        open={(g) => go(`/groups/${g.id}`)}
        selection={can("GROUP:delete") ? selection : undefined}
        loading={pages.loading}
        error={pages.error}
        retry={pages.reload}
        more={pages.more}
        next={pages.next}
        empty={search ? "No group is found." : "There are no groups yet."}
      />
    </>
  );
}
