import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import { get, path, post } from "../../lib/api";
import { count } from "../../lib/format";
import { useLoad } from "../../lib/load";
import { filter, go, href, setFilters } from "../../lib/router";
import type { StorageObject } from "../../lib/types";
import { objectPath } from "../../parts/storage";
import { Action } from "../../ui/action";
import { TextField } from "../../ui/field";
import { JsonText } from "../../ui/json_editor";
import { Badge, Card, Id, Loaded } from "../../ui/show";
import { Table } from "../../ui/table";
import { complain } from "../../ui/toast";

interface Index {
  collection: string;
  index: string;
  key: string;
  fields: string[];
  sortable_fields: string[];
  max_entries: number;
  index_only: boolean;
  entries: number;
}

// Indexes are the storage indexes of the modules, and a search in one of them.
export function Indexes() {
  const indexes = useLoad((signal) => get<{ indexes: Index[] }>("storage/indexes", {}, signal), []);
  const chosen = indexes.data?.indexes.find((i) => i.index === filter("index"));
  return (
    <Loaded of={indexes}>
      {({ indexes }) => (
        <>
          <Card>
            <Table
              label="Indexes"
              rows={indexes}
              rowKey={(i) => i.index}
              open={(i) => setFilters({ index: i.index })}
              columns={[
                { title: "Index", cell: (i) => i.index, sort: (i) => i.index },
                { title: "Collection", cell: (i) => i.collection + (i.key && "/" + i.key), sort: (i) => i.collection },
                { title: "Fields", wide: true, cell: (i) => i.fields.join(", ") },
                { title: "Sortable", wide: true, cell: (i) => i.sortable_fields.join(", ") },
                { title: "Objects", width: "9rem", right: true, cell: (i) => `${count(i.entries)} of ${count(i.max_entries)}`, sort: (i) => i.entries },
                { title: "", width: "6rem", wide: true, cell: (i) => i.index_only && <Badge>index only</Badge> },
              ]}
              empty="The modules register no storage index."
            />
          </Card>
          {chosen && <Query key={chosen.index} index={chosen} />}
        </>
      )}
    </Loaded>
  );
}

interface Found {
  objects: StorageObject[];
  next_cursor: string;
}

function Query({ index }: { index: Index }) {
  const query = useSignal("");
  const order = useSignal("");
  const [found, set] = useState<Found & { of: object }>();
  const ask = (of: object, cursor: string) => post<Found>(path`storage/index/${index.index}/query`, { ...of, limit: 100, cursor });
  const search = async () => {
    const of = { query: query.value, order: order.value.split(/[\s,]+/).filter(Boolean) };
    set({ ...(await ask(of, "")), of });
  };
  // What is typed meanwhile is another search.
  const more = async ({ of, objects, next_cursor }: Found & { of: object }) => {
    const next = await ask(of, next_cursor);
    set((now) => (now?.of === of ? { objects: [...objects, ...next.objects], next_cursor: next.next_cursor, of } : now));
  };
  return (
    <Card title={`Search in ${index.index}`}>
      <form class="stack" onSubmit={(e) => e.preventDefault()}>
        <div class="columns">
          <TextField label="Query" hint="For example +value.level:>=10" value={query} />
          <TextField label="Order" hint={index.sortable_fields.length > 0 ? `A minus for descending: -value.${index.sortable_fields[0]}` : "The index has no sortable fields"} value={order} />
        </div>
        <div class="buttons">
          <Action label="Search" icon="search" kind="primary" submit run={search} />
        </div>
      </form>
      {found && (
        <Table
          label="Objects"
          rows={found.objects}
          rowKey={objectPath}
          open={(o) => go("/" + objectPath(o))}
          more={!!found.next_cursor}
          next={() => void more(found).catch(complain)}
          columns={[
            { title: "Key", cell: (o) => <a href={href("/" + objectPath(o))} tabIndex={-1}>{o.key}</a> },
            { title: "Owner", wide: true, cell: (o) => <Id value={o.user_id} to={href(`/players/${o.user_id}`)} /> },
            { title: "Value", width: "minmax(12rem, 3fr)", cell: (o) => <JsonText value={o.value ?? ""} /> },
          ]}
          empty="No object is found."
        />
      )}
    </Card>
  );
}
