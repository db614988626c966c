import { useSignal } from "@preact/signals";
import { get, put } from "../lib/api";
import { useLoad } from "../lib/load";
import { filter, go, setFilters } from "../lib/router";
import { objectPath, StorageTable } from "../parts/storage";
import { Action } from "../ui/action";
import { FormDialog, show } from "../ui/dialog";
import { TextField } from "../ui/field";
import { JsonEditor } from "../ui/json_editor";
import { Search } from "../ui/search";
import { Tabs } from "../ui/tabs";
import { importObjects } from "./storage/import";
import { Indexes } from "./storage/indexes";

const system = "00000000-0000-0000-0000-000000000000";

export default function Storage() {
  return (
    <Tabs
      of={[
        { name: "objects", title: "Objects", show: () => <Objects /> },
        { name: "indexes", title: "Indexes", show: () => <Indexes /> },
      ]}
    />
  );
}

function Objects() {
  const collection = filter("collection");
  const collections = useLoad((signal) => get<{ collections: string[] }>("storage/collections", {}, signal), []);
  const add = async () => {
    const made = await show<string>((close) => <NewObject collection={collection} close={close} />);
    if (made) go("/" + made);
  };
  return (
    <>
      <div class="tools">
        <select aria-label="Collection" value={collection} onChange={(e) => setFilters({ collection: e.currentTarget.value, key: "" })}>
          <option value="">All collections</option>
          {collection && !collections.data?.collections.includes(collection) && <option>{collection}</option>}
          {collections.data?.collections.map((c) => <option key={c}>{c}</option>)}
        </select>
        {collection && <Search name="key" label="Key, or its beginning with %" />}
        <Search name="user" label="Id of the owner" hint={`The server's own objects: ${system}`} />
        <Action label="New object" icon="plus" right="STORAGE_DATA:write" run={add} />
        <Action label="Import" icon="data" right="STORAGE_DATA_IMPORT:write" run={importObjects} />
      </div>
      <StorageTable collection={collection} objectKey={collection && filter("key")} user={filter("user")} />
    </>
  );
}

function NewObject({ collection, close }: { collection: string; close: (made?: string) => void }) {
  const into = useSignal(collection);
  const key = useSignal("");
  const owner = useSignal("");
  const value = useSignal("{\n}");
  return (
    <FormDialog
      title="New object"
      action="Create"
      wide
      disabled={!into.value || !key.value}
      onClose={close}
      onSubmit={async () => {
        const at = objectPath({ collection: into.value, key: key.value, user_id: owner.value.trim() || system });
        await put(at, { value: value.value, version: "*", permission_read: 1, permission_write: 1 });
        close(at);
      }}
    >
      <div class="columns">
        <TextField label="Collection" value={into} required autofocus={!collection} />
        <TextField label="Key" value={key} required autofocus={!!collection} />
        <TextField label="Id of the owner" hint="Blank: the server's own" value={owner} />
      </div>
      <JsonEditor label="Value" value={value} wanted="object" height="10rem" />
    </FormDialog>
  );
}
