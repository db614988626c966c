import { useSignal } from "@preact/signals";
import { del, get, path, post } from "../../lib/api";
import { useLoad } from "../../lib/load";
import { href } from "../../lib/router";
import type { UserGroup } from "../../lib/types";
import { memberStates } from "../../parts/members";
import { Action } from "../../ui/action";
import { FormDialog, show } from "../../ui/dialog";
import { Check, TextField } from "../../ui/field";
import { Badge, Id } from "../../ui/show";
import { Table } from "../../ui/table";

// PlayerGroups are the groups that a player is in.
export function PlayerGroups({ user }: { user: string }) {
  const groups = useLoad((signal) => get<{ user_groups: UserGroup[] }>(path`account/${user}/group`, {}, signal), [user]);
  const add = async () => {
    if (await show<boolean>((close) => <AddToGroup user={user} close={close} />)) groups.reload();
  };
  return (
    <>
      <div class="tools">
        <Action label="Add to a group" icon="plus" right="ACCOUNT_GROUPS:write" run={add} />
      </div>
      <Table
        label="Groups"
        rows={groups.data?.user_groups ?? []}
        rowKey={(g) => g.group.id}
        columns={[
          { title: "Group", cell: (g) => <a href={href(`/groups/${g.group.id}`)}>{g.group.name}</a>, sort: (g) => g.group.name },
          { title: "Is", width: "9rem", cell: (g) => <Badge kind={g.state < 2 ? "info" : undefined}>{memberStates[g.state]}</Badge>, sort: (g) => g.state },
          { title: "Members", width: "7rem", right: true, wide: true, cell: (g) => `${g.group.edge_count} of ${g.group.max_count}` },
          { title: "Id", wide: true, cell: (g) => <Id value={g.group.id} /> },
          {
            title: "",
            width: "4rem",
            right: true,
            cell: (g) => (
              <Action
                label="Remove"
                icon="trash"
                kind="plain"
                iconOnly
                right="ACCOUNT_GROUPS:delete"
                confirm={{ title: `Remove the player from ${g.group.name}?`, action: "Remove", danger: true }}
                run={async () => {
                  await del(path`account/${user}/group/${g.group.id}`);
                  groups.reload();
                }}
                done="The player is no longer in the group."
              />
            ),
          },
        ]}
        loading={groups.loading}
        error={groups.error}
        retry={groups.reload}
        empty="The player is in no group."
      />
    </>
  );
}

function AddToGroup({ user, close }: { user: string; close: (added?: boolean) => void }) {
  const group = useSignal("");
  const request = useSignal(false);
  return (
    <FormDialog
      title="Add to a group"
      action="Add"
      onClose={close}
      onSubmit={async () => {
        await post(path`group/${group.value.trim()}/add`, { ids: user, join_request: request.value });
        close(true);
      }}
    >
      <TextField label="Id of the group" value={group} required autofocus />
      <Check label="As a request to join" value={request} />
    </FormDialog>
  );
}
