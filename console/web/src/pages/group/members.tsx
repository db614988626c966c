import { useSignal } from "@preact/signals";
import { del, get, path, post } from "../../lib/api";
import { useLoad } from "../../lib/load";
import { href } from "../../lib/router";
import type { Player } from "../../lib/types";
import { memberStates } from "../../parts/members";
import { Action } from "../../ui/action";
import { FormDialog, show } from "../../ui/dialog";
import { Check, TextArea } from "../../ui/field";
import { Badge, Id } from "../../ui/show";
import { Table } from "../../ui/table";

interface Member {
  user: Player;
  state: number;
}

// Members are the members of a group, and those who ask to become some.
export function Members({ group, changed }: { group: string; changed: () => void }) {
  const members = useLoad((signal) => get<{ group_users: Member[] }>(path`group/${group}/member`, {}, signal), [group]);
  const act = (m: Member, what: "promote" | "demote") => async () => {
    await post(path`group/${group}/account/${m.user.id}/${what}`);
    members.reload();
  };
  const accept = async (m: Member) => {
    await post(path`group/${group}/add`, { ids: m.user.id });
    members.reload();
    changed();
  };
  const add = async () => {
    if (!(await show<boolean>((close) => <AddMembers group={group} close={close} />))) return;
    members.reload();
    changed();
  };
  return (
    <>
      <div class="tools">
        <Action label="Add members" icon="plus" right="ACCOUNT_GROUPS:write" run={add} />
        <span class="count">{members.data?.group_users.length}</span>
      </div>
      <Table
        label="Members"
        rows={members.data?.group_users ?? []}
        rowKey={(m) => m.user.id}
        columns={[
          { title: "Username", cell: (m) => <a href={href(`/players/${m.user.id}`)}>{m.user.username}</a>, sort: (m) => m.user.username },
          { title: "Display name", wide: true, cell: (m) => m.user.display_name, sort: (m) => m.user.display_name },
          { title: "Id", wide: true, cell: (m) => <Id value={m.user.id} /> },
          { title: "Is", width: "8rem", cell: (m) => <Badge kind={m.state < 2 ? "info" : m.state === 3 ? "warn" : undefined}>{memberStates[m.state]}</Badge>, sort: (m) => m.state },
          {
            title: "",
            width: "16rem",
            right: true,
            cell: (m) => (
              <>
                {m.state === 3 ? (
                  <Action label="Accept" kind="plain" right="ACCOUNT_GROUPS:write" run={() => accept(m)} done={`${m.user.username} is in the group now.`} />
                ) : (
                  <Action label="Promote" kind="plain" right="GROUP:write" disabled={m.state === 0} run={act(m, "promote")} />
                )}
                <Action label="Demote" kind="plain" right="GROUP:write" disabled={m.state >= 2} run={act(m, "demote")} />
                <Action
                  label="Remove"
                  kind="plain"
                  right="ACCOUNT_GROUPS:delete"
                  confirm={{ title: `Remove ${m.user.username}?`, action: "Remove", danger: true }}
                  run={async () => {
                    await del(path`account/${m.user.id}/group/${group}`);
                    members.reload();
                    changed();
                  }}
                  done={`${m.user.username} is no longer in the group.`}
                />
              </>
            ),
          },
        ]}
        loading={members.loading}
        error={members.error}
        retry={members.reload}
        empty="The group has no members."
      />
    </>
  );
}

function AddMembers({ group, close }: { group: string; close: (added?: boolean) => void }) {
  const ids = useSignal("");
  const request = useSignal(false);
  return (
    <FormDialog
      title="Add members"
      action="Add"
      disabled={!ids.value.trim()}
      onClose={close}
      onSubmit={async () => {
        await post(path`group/${group}/add`, { ids: ids.value.split(/[\s,]+/).filter(Boolean).join(","), join_request: request.value });
        close(true);
      }}
    >
      <TextArea label="Ids of the players" value={ids} hint="One a line, or separated by commas" />
      <Check label="As requests to join" value={request} />
    </FormDialog>
  );
}
