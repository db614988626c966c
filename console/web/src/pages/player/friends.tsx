import { del, get, path } from "../../lib/api";
import { useLoad } from "../../lib/load";
import { go, href } from "../../lib/router";
import type { Friend } from "../../lib/types";
import { Action } from "../../ui/action";
import { JsonText } from "../../ui/json_editor";
import { Badge, When } from "../../ui/show";
import { Table } from "../../ui/table";

const states = ["friend", "invitation sent", "invitation received", "blocked"];

// Friends are all relations of a player.
export function Friends({ user }: { user: string }) {
  const friends = useLoad((signal) => get<{ friends: Friend[] }>(path`account/${user}/friend`, {}, signal), [user]);
  return (
    <Table
      label="Friends"
      rows={friends.data?.friends ?? []}
      rowKey={(f) => f.user.id}
      open={(f) => go(`/players/${f.user.id}`)}
      columns={[
        { title: "Username", cell: (f) => <a href={href(`/players/${f.user.id}`)} tabIndex={-1}>{f.user.username}</a>, sort: (f) => f.user.username },
        { title: "Display name", wide: true, cell: (f) => f.user.display_name },
        { title: "Relation", width: "10rem", cell: (f) => <Badge kind={f.state === 3 ? "bad" : f.state === 0 ? "good" : undefined}>{states[f.state]}</Badge>, sort: (f) => f.state },
        { title: "Metadata", wide: true, cell: (f) => f.metadata && f.metadata !== "{}" && <JsonText value={f.metadata} /> },
        { title: "Since", width: "11rem", wide: true, cell: (f) => <When at={f.update_time} />, sort: (f) => f.update_time ?? "" },
        {
          title: "",
          width: "4rem",
          right: true,
          cell: (f) => (
            <Action
              label="Remove"
              icon="trash"
              kind="plain"
              iconOnly
              right="ACCOUNT_FRIENDS:delete"
              confirm={{ title: `Remove ${f.user.username}?`, text: "Both players lose the relation.", action: "Remove", danger: true }}
              run={async () => {
                await del(path`account/${user}/friend/${f.user.id}`);
                friends.reload();
              }}
              done="The relation is removed."
            />
          ),
        },
      ]}
      loading={friends.loading}
      error={friends.error}
      retry={friends.reload}
      empty="The player has no friends."
    />
  );
}
