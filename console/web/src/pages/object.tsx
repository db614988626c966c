import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { del, get, put } from "../lib/api";
import { choose, save } from "../lib/files";
import { pretty } from "../lib/json";
import { useLoad } from "../lib/load";
import { go, href, useUnsaved } from "../lib/router";
import { can } from "../lib/session";
import type { StorageObject } from "../lib/types";
import { objectPath, reads, writes } from "../parts/storage";
import type { PageProps } from "../routes";
import { Action } from "../ui/action";
import { SelectField } from "../ui/field";
import { JsonEditor } from "../ui/json_editor";
import { heading } from "../ui/layout";
import { Card, Facts, Id, Loaded, When } from "../ui/show";

// ObjectPage is one object of the storage.
export default function ObjectPage({ params }: PageProps) {
  const at = objectPath(params as { collection: string; key: string; user_id: string });
  const object = useLoad((signal) => get<StorageObject>(at, {}, signal), [at]);
  useEffect(() => {
    heading.value = `${params.collection} / ${params.key}`;
  }, [at]);
  return <Loaded of={object}>{(data) => <Editor key={data.version} object={data} reload={object.reload} />}</Loaded>;
}

const options = (names: string[]) => names.map((name, i) => [String(i), name] as const);

function Editor({ object, reload }: { object: StorageObject; reload: () => Promise<void> }) {
  const at = objectPath(object);
  const before = pretty(object.value ?? "{}");
  const value = useSignal(before);
  const read = useSignal(String(object.permission_read));
  const write = useSignal(String(object.permission_write));
  const changed = value.value !== before || read.value !== String(object.permission_read) || write.value !== String(object.permission_write);
  useUnsaved(changed);
  const fixed = !can("STORAGE_DATA:write");
  return (
    <>
      <Card
        actions={
          <>
            <Action label="Download" icon="data" run={() => save(`${object.collection}-${object.key}.json`, value.value)} />
            <Action
              label="Upload"
              right="STORAGE_DATA:write"
              run={async () => {
                const [file] = await choose(".json,application/json");
                if (file) value.value = pretty(await file.text());
              }}
            />
            <Action
              label="Delete"
              icon="trash"
              kind="danger"
              right="STORAGE_DATA:delete"
              confirm={{ title: `Delete ${object.key}?`, text: "The object is deleted for good.", action: "Delete", danger: true }}
              run={async () => {
                await del(at);
                go("/storage", { collection: object.collection });
              }}
              done="The object is deleted."
            />
          </>
        }
      >
        <Facts
          of={[
            ["Collection", <a href={href("/storage", { collection: object.collection })}>{object.collection}</a>],
            ["Key", object.key],
            ["Owner", <Id value={object.user_id} to={href(`/players/${object.user_id}`)} />],
            ["Version", <Id value={object.version} />],
            ["Created", <When at={object.create_time} />],
            ["Updated", <When at={object.update_time} />],
          ]}
        />
      </Card>
      <Card>
        <form class="stack" onSubmit={(e) => e.preventDefault()}>
          <div class="columns">
            <SelectField label="Read by" value={read} options={options(reads)} disabled={fixed} />
            <SelectField label="Written by" value={write} options={options(writes)} disabled={fixed} />
          </div>
          <JsonEditor label="Value" value={value} wanted="object" readOnly={fixed} height="16rem" />
          <div class="buttons">
            <Action
              label="Save"
              kind="primary"
              submit
              right="STORAGE_DATA:write"
              disabled={!changed}
              run={async () => {
                await put(at, { value: value.value, version: object.version, permission_read: Number(read.value), permission_write: Number(write.value) });
                await reload();
              }}
              done="The object is saved."
            />
          </div>
        </form>
      </Card>
    </>
  );
}
