import { useSignal } from "@preact/signals";
import { del, get, path, post, put } from "../../lib/api";
import { useLoad } from "../../lib/load";
import { operator, reloadOperator } from "../../lib/session";
import type { Acl, User } from "../../lib/types";
import { countRights, RightsField } from "../../parts/rights";
import { Action } from "../../ui/action";
import { Dialog, FormDialog, show } from "../../ui/dialog";
import { Check, SelectField, TextField } from "../../ui/field";
import { Badge, Id, When } from "../../ui/show";
import { Table } from "../../ui/table";
import type { Template } from "./templates";

// Operators are the users of the console.
export function Operators() {
  const users = useLoad((signal) => get<{ users: User[] }>("user", {}, signal), []);
  const me = (u: User) => u.username === operator.value?.username;
  const invite = async () => {
    const token = await show<string>((close) => <Invite close={close} />);
    if (token === undefined) return;
    users.reload();
    await showLink("Invitation", token);
  };
  const edit = async (u: User) => {
    if (!(await show<boolean>((close) => <EditRights user={u} close={close} />))) return;
    users.reload();
    await reloadOperator();
  };
  return (
    <>
      <div class="tools">
        <Action label="Invite an operator" icon="plus" right="USER:write" run={invite} />
      </div>
      <Table
        label="Operators"
        rows={users.data?.users ?? []}
        rowKey={(u) => u.username}
        columns={[
          { title: "Name", cell: (u) => u.username, sort: (u) => u.username },
          { title: "E-mail address", wide: true, cell: (u) => u.email, sort: (u) => u.email },
          { title: "Rights", width: "6rem", right: true, cell: (u) => countRights(u.acl), sort: (u) => countRights(u.acl) },
          { title: "Second factor", width: "9rem", wide: true, cell: (u) => (u.mfa_enabled ? <Badge kind="good">set up</Badge> : u.mfa_required ? <Badge kind="warn">required</Badge> : <Badge>none</Badge>) },
          { title: "Changed", width: "10.5rem", wide: true, cell: (u) => <When at={u.update_time} />, sort: (u) => u.update_time ?? "" },
          {
            title: "",
            width: "6rem",
            right: true,
            cell: (u) => (me(u) ? <Badge>you</Badge> : <Action label="Edit" kind="plain" right="USER:write" run={() => edit(u)} />),
          },
          {
            title: "",
            width: "4rem",
            right: true,
            cell: (u) =>
              !me(u) && (
                <Action
                  label="Delete"
                  icon="trash"
                  kind="plain"
                  iconOnly
                  right="USER:delete"
                  confirm={{ title: `Delete the operator ${u.username}?`, text: "What the audit log says of the operator stays.", action: "Delete", danger: true }}
                  run={async () => {
                    await del("user", { username: u.username });
                    users.reload();
                  }}
                  done="The operator is deleted."
                />
              ),
          },
        ]}
        loading={users.loading && !users.data}
        error={users.error}
        retry={users.reload}
        empty="There are no operators but the administrator of the configuration."
      />
    </>
  );
}

// showLink shows the address at which an operator sets a password.
async function showLink(title: string, token: string): Promise<void> {
  const link = new URL("#/reset?token=" + encodeURIComponent(token), document.baseURI).href;
  await show<void>((close) => (
    <Dialog title={title} onClose={close}>
      <div class="stack">
        <p>Send this link to the operator. It sets a password, works once and for a day, and is not shown again.</p>
        <Id value={link} />
        <div class="buttons">
          <button class="primary" onClick={() => close()}>
            Done
          </button>
        </div>
      </div>
    </Dialog>
  ));
}

function Invite({ close }: { close: (token?: string) => void }) {
  const name = useSignal("");
  const email = useSignal("");
  const mfa = useSignal(false);
  const acl = useSignal<Acl>({});
  const template = useSignal("");
  const templates = useLoad(() => get<{ templates: Template[] }>("acl/template").catch(() => ({ templates: [] })), []);
  const options = [["", "No template"] as const, ...(templates.data?.templates ?? []).map((t) => [t.id, t.name] as const)];
  const choose = (id: string) => (acl.value = templates.data?.templates.find((t) => t.id === id)?.acl ?? {});
  return (
    <FormDialog
      title="Invite an operator"
      action="Invite"
      wide
      disabled={countRights(acl.value) === 0}
      onClose={close}
      onSubmit={async () => {
        const { token } = await post<{ token: string }>("user", { username: name.value.trim(), email: email.value.trim(), acl: acl.value, mfa_required: mfa.value });
        close(token);
      }}
    >
      <div class="columns">
        <TextField label="Name" value={name} required autofocus autocapitalize="none" />
        <TextField label="E-mail address" type="email" value={email} required />
        {options.length > 1 && <SelectField label="Rights of a template" value={template} options={options} changed={choose} />}
      </div>
      <Check label="The operator has to set up a second factor" value={mfa} />
      <RightsField value={acl} />
    </FormDialog>
  );
}

function EditRights({ user, close }: { user: User; close: (changed?: boolean) => void }) {
  const acl = useSignal(user.acl);
  const at = path`user/${user.username}`;
  return (
    <FormDialog
      title={user.username}
      action="Save the rights"
      wide
      disabled={countRights(acl.value) === 0}
      onClose={() => close(true)}
      onSubmit={async () => {
        await put(at, { acl: acl.value });
        close(true);
      }}
    >
      <div class="buttons">
        <Action
          label="Reset the password"
          confirm={{ title: "Reset the password?", text: "The one so far stops working at once.", action: "Reset", danger: true }}
          run={async () => showLink("New password", (await post<{ code: string }>(at + "/reset/password")).code)}
        />
        <Action
          label={user.mfa_required ? "Do not require a second factor" : "Require a second factor"}
          run={async () => {
            await post(at + "/mfa/require", { required: !user.mfa_required });
            close(true);
          }}
          done="It is changed."
        />
        {user.mfa_enabled && (
          <Action
            label="Remove the second factor"
            confirm={{ title: "Remove the second factor?", text: "The operator signs in with the password only, or sets up another one.", action: "Remove", danger: true }}
            run={async () => {
              await post(at + "/mfa/reset");
              close(true);
            }}
            done="It is removed."
          />
        )}
      </div>
      <RightsField value={acl} />
    </FormDialog>
  );
}
