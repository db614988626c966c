import { useSignal } from "@preact/signals";
import { del, get, path, text } from "../lib/api";
import { save } from "../lib/files";
import { parse, write } from "../lib/json";
import { usePages } from "../lib/load";
import { go, href } from "../lib/router";
import type { StorageObject } from "../lib/types";
import { Bulk } from "../ui/bulk";
import { Id, When } from "../ui/show";
import { Table } from "../ui/table";

// What permissions say, by number.
export const reads = ["nobody", "the owner", "everybody"];
export const writes = ["nobody", "the owner"];

// objectPath is the address of an object, on the page and in the API.
export const objectPath = (o: { collection: string; key: string; user_id: string }) => path`storage/${o.collection}/${o.key}/${o.user_id}`;

interface StorageList {
  objects: StorageObject[];
  total_count: number;
  next_cursor: string;
}

interface Filters {
  user?: string;
  collection?: string;
  objectKey?: string;
}

// StorageTable lists objects: those of a user, or those that filters find.
export function StorageTable({ user, collection = "", objectKey = "" }: Filters) {
  const selection = useSignal<ReadonlySet<string>>(new Set());
  const pages = usePages(
    async (cursor, signal) => {
      selection.value = new Set();
      const list = await get<StorageList>("storage", { user_id: user, collection, key: objectKey, cursor }, signal);
      return { rows: list.objects, cursor: list.next_cursor, total: list.total_count };
    },
    [user, collection, objectKey],
  );
  const exported: string[] = [];
  return (
    <>
      <Bulk
        selection={selection}
        actions={[
          {
            label: "Export",
            right: "STORAGE_DATA:read",
            run: async (at) => exported.push(importable(await text(at))),
            done: () => {
              save("storage.json", `[\n${exported.join(",\n")}\n]\n`);
              exported.length = 0;
            },
          },
          {
            label: "Delete",
            right: "STORAGE_DATA:delete",
            danger: true,
            confirm: (n) => ({ title: `Delete ${n} objects?`, text: "They are deleted for good.", action: "Delete", danger: true }),
            run: (at) => del(at),
            done: (gone) => pages.drop((o) => gone.has(objectPath(o))),
          },
        ]}
      />
      <Table
        label="Storage objects"
        rows={pages.rows}
        rowKey={objectPath}
        open={(o) => go("/" + objectPath(o))}
        selection={selection}
        columns={[
          { title: "Collection", cell: (o) => o.collection, sort: (o) => o.collection },
          { title: "Key", cell: (o) => <a href={href("/" + objectPath(o))} tabIndex={-1}>{o.key}</a>, sort: (o) => o.key },
          { title: "Owner", wide: true, width: "minmax(8rem, 20rem)", cell: (o) => <Id value={o.user_id} to={href(`/players/${o.user_id}`)} /> },
          { title: "Read by", width: "6.5rem", wide: true, cell: (o) => reads[o.permission_read], sort: (o) => o.permission_read },
          { title: "Written by", width: "6.5rem", wide: true, cell: (o) => writes[o.permission_write], sort: (o) => o.permission_write },
          { title: "Updated", width: "11rem", wide: true, cell: (o) => <When at={o.update_time} />, sort: (o) => o.update_time ?? "" },
        ]}
        loading={pages.loading}
        error={pages.error}
        retry={pages.reload}
        more={pages.more}
        next={pages.next}
        empty="There are no objects."
      />
    </>
  );
}

// importable turns an object as the API returns it into one of a file for an import: its
// value is an object there, and not a text.
function importable(response: string): string {
  const object = parse(response);
  if (object.kind !== "object") return response;
  const wanted = ["collection", "key", "user_id", "value", "permission_read", "permission_write"];
  return write(
    {
      kind: "object",
      entries: object.entries.filter(([name]) => wanted.includes(name)).map(([name, v]) => [name, name === "value" && v.kind === "string" ? parse(v.value) : v]),
    },
    0,
  );
}
