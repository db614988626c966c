import { del, get, path } from "../lib/api";
import { usePages } from "../lib/load";
import { href } from "../lib/router";
import type { Notification } from "../lib/types";
import { Action } from "../ui/action";
import { JsonText } from "../ui/json_editor";
import { Badge, Id, When } from "../ui/show";
import { Table } from "../ui/table";

interface NotificationList {
  notifications: Notification[];
  next_cursor: string;
}

// NotificationTable lists stored notifications: a player's, or all. With another round it
// loads them again.
export function NotificationTable({ user, round }: { user?: string; round?: number }) {
  const pages = usePages(
    async (cursor, signal) => {
      const list = await get<NotificationList>("notification", { user_id: user, limit: 100, cursor }, signal);
      return { rows: list.notifications, cursor: list.next_cursor };
    },
    [user, round],
  );
  return (
    <Table
      label="Notifications"
      rows={pages.rows}
      rowKey={(n) => n.id}
      columns={[
        { title: "Subject", cell: (n) => n.subject },
        { title: "Code", width: "5rem", right: true, cell: (n) => n.code },
        { title: "Content", cell: (n) => <JsonText value={n.content} /> },
        ...(user ? [] : [{ title: "To", wide: true, cell: (n: Notification) => <Id value={n.user_id} to={href(`/players/${n.user_id}`)} /> }]),
        { title: "", width: "6rem", wide: true, cell: (n) => n.persistent && <Badge>persistent</Badge> },
        { title: "Sent", width: "11rem", wide: true, cell: (n) => <When at={n.create_time} /> },
        {
          title: "",
          width: "4rem",
          right: true,
          cell: (n) => (
            <Action
              label="Delete"
              icon="trash"
              kind="plain"
              iconOnly
              right="NOTIFICATION:delete"
              confirm={{ title: "Delete the notification?", text: n.subject, action: "Delete", danger: true }}
              run={async () => {
                await del(path`notification/${n.id}`);
                pages.drop((other) => other.id === n.id);
              }}
              done="The notification is deleted."
            />
          ),
        },
      ]}
      loading={pages.loading}
      error={pages.error}
      retry={pages.reload}
      more={pages.more}
      next={pages.next}
      empty="There are no notifications."
    />
  );
}
