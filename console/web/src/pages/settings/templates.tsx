import { useSignal } from "@preact/signals";
import { del, get, path, post, put } from "../../lib/api";
import { useLoad } from "../../lib/load";
import type { Acl } from "../../lib/types";
import { countRights, RightsField } from "../../parts/rights";
import { Action } from "../../ui/action";
import { FormDialog, show } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { When } from "../../ui/show";
import { Table } from "../../ui/table";

export interface Template {
  id: string;
  name: string;
  description: string;
  acl: Acl;
  update_time: string | null;
}

// Templates are sets of rights to choose from when an operator is invited.
export function Templates() {
  const templates = useLoad((signal) => get<{ templates: Template[] }>("acl/template", {}, signal), []);
  const edit = async (template?: Template) => {
    if (await show<boolean>((close) => <Edit template={template} close={close} />)) templates.reload();
  };
  return (
    <>
      <div class="tools">
        <Action label="New template" icon="plus" right="ACL_TEMPLATE:write" run={() => edit()} />
      </div>
      <Table
        label="Templates"
        rows={templates.data?.templates ?? []}
        rowKey={(t) => t.id}
        columns={[
          { title: "Name", cell: (t) => t.name, sort: (t) => t.name },
          { title: "Description", wide: true, cell: (t) => t.description },
          { title: "Rights", width: "6rem", right: true, cell: (t) => countRights(t.acl), sort: (t) => countRights(t.acl) },
          { title: "Changed", width: "10.5rem", wide: true, cell: (t) => <When at={t.update_time} /> },
          { title: "", width: "5rem", right: true, cell: (t) => <Action label="Edit" kind="plain" right="ACL_TEMPLATE:write" run={() => edit(t)} /> },
          {
            title: "",
            width: "4rem",
            right: true,
            cell: (t) => (
              <Action
                label="Delete"
                icon="trash"
                kind="plain"
                iconOnly
                right="ACL_TEMPLATE:delete"
                confirm={{ title: `Delete the template ${t.name}?`, text: "Operators keep the rights that they got from it.", action: "Delete", danger: true }}
                run={async () => {
                  await del(path`acl/template/${t.id}`);
                  templates.reload();
                }}
                done="The template is deleted."
              />
            ),
          },
        ]}
        loading={templates.loading && !templates.data}
        error={templates.error}
        retry={templates.reload}
        empty="There are no templates yet."
      />
    </>
  );
}

function Edit({ template, close }: { template?: Template; close: (changed?: boolean) => void }) {
  const name = useSignal(template?.name ?? "");
  const description = useSignal(template?.description ?? "");
  const acl = useSignal<Acl>(template?.acl ?? {});
  return (
    <FormDialog
      title={template ? template.name : "New template"}
      action="Save"
      wide
      disabled={!name.value || countRights(acl.value) === 0}
      onClose={close}
      onSubmit={async () => {
        const body = { name: name.value, description: description.value, acl: acl.value };
        if (template) await put(path`acl/template/${template.id}`, body);
        else await post("acl/template", body);
        close(true);
      }}
    >
      <div class="columns">
        <TextField label="Name" value={name} maxLength={64} required autofocus />
        <TextField label="Description" value={description} maxLength={64} />
      </div>
      <RightsField value={acl} />
    </FormDialog>
  );
}
