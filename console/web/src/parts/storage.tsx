import { del, get, path } from "../lib/api";
import { usePages } from "../lib/load";
import { go, href } from "../lib/router";
import type { StorageObject } from "../lib/types";
import { Action } from "../ui/action";
import { Id, When } from "../ui/show";
import { Table } from "../ui/table";

export const reads = ["nobody", "the owner", "everybody"];
export const writes = ["nobody", "the owner"];

// objectPath is the address of an object, on the page and in the API.
export const objectPath = (o: { collection: string; key: string; user_id: string }) => path`storage/${o.collection}/${o.key}/${o.user_id}`;

interface StorageList {
  objects: StorageObject[];
  total_count: number;
  next_cursor: string;
}

// StorageTable lists objects: those of a user, or those that filters find.
export function StorageTable({ user, collection = "", objectKey = "" }: { user?: string; collection?: string; objectKey?: string }) {
  const pages = usePages(
    async (cursor, signal) => {
      const list = await get<StorageList>("storage", { user_id: user, collection, key: objectKey, cursor }, signal);
      return { rows: list.objects, cursor: list.next_cursor, total: list.total_count };
    },
    [user, collection, objectKey],
  );
  return (
    <Table
      label="Storage objects"
      rows={pages.rows}
      rowKey={(o) => `${o.collection}/${o.key}/${o.user_id}`}
      open={(o) => go("/" + objectPath(o))}
      columns={[
        { title: "Collection", cell: (o) => o.collection, sort: (o) => o.collection },
        { title: "Key", cell: (o) => <a href={href("/" + objectPath(o))} tabIndex={-1}>{o.key}</a>, sort: (o) => o.key },
        { title: "Owner", wide: true, width: "minmax(8rem, 20rem)", cell: (o) => <Id value={o.user_id} to={href(`/players/${o.user_id}`)} /> },
        { title: "Read by", width: "6.5rem", wide: true, cell: (o) => reads[o.permission_read], sort: (o) => o.permission_read },
        { title: "Written by", width: "6.5rem", wide: true, cell: (o) => writes[o.permission_write], sort: (o) => o.permission_write },
        { title: "Updated", width: "11rem", wide: true, cell: (o) => <When at={o.update_time} />, sort: (o) => o.update_time ?? "" },
        {
          title: "",
          width: "4rem",
          right: true,
          cell: (o) => (
            <Action
              label="Delete"
              icon="trash"
              kind="plain"
              iconOnly
              right="STORAGE_DATA:delete"
              confirm={{ title: `Delete ${o.key}?`, text: `The object of the collection ${o.collection} is deleted for good.`, action: "Delete", danger: true }}
              run={async () => {
                await del(objectPath(o));
                pages.drop((other) => other === o);
              }}
              done="The object is deleted."
            />
          ),
        },
      ]}
      loading={pages.loading}
      error={pages.error}
      retry={pages.reload}
      more={pages.more}
      next={pages.next}
      empty="There are no objects."
    />
  );
}
