import { useSignal } from "@preact/signals";
import { del, get } from "../lib/api";
import { usePages } from "../lib/load";
import { filter, href } from "../lib/router";
import { can } from "../lib/session";
import { Action } from "../ui/action";
import { FormDialog, show } from "../ui/dialog";
import { TextField } from "../ui/field";
import { JsonText } from "../ui/json_editor";
import { Choice, Search } from "../ui/search";
import { Empty, When } from "../ui/show";
import { Table } from "../ui/table";
import { tell } from "../ui/toast";

interface Message {
  message_id: string;
  code: number;
  sender_id: string;
  username: string;
  content: string;
  create_time: string | null;
}

// What the code of a message says.
const codes = ["chat", "edited", "removed", "joined the group", "added to the group", "left the group", "kicked from the group", "promoted", "banned from the group", "demoted"];

export default function Chat() {
  const type = filter("type") || "2";
  const label = filter("label");
  const group = filter("group");
  const one = filter("one");
  const two = filter("two");
  const chosen = type === "2" ? label : type === "3" ? group : one && two;
  const selection = useSignal<ReadonlySet<string>>(new Set());
  const pages = usePages(
    async (cursor, signal) => {
      selection.value = new Set();
      if (!chosen) return { rows: [] };
      const list = await get<{ messages: Message[]; next_cursor: string }>(
        "channel",
        { type, ...(type === "2" ? { label } : type === "3" ? { group_id: group } : { user_id_one: one, user_id_two: two }), cursor },
        signal,
      );
      return { rows: list.messages, cursor: list.next_cursor };
    },
    [type, label, group, one, two],
  );
  const ids = [...selection.value];
  return (
    <>
      <div class="tools">
        <Choice name="type" label="Kind of channel" options={[["", "Room"], ["3", "Group"], ["4", "Two players"]]} />
        {type === "2" && <Search name="label" label="Name of the room" />}
        {type === "3" && <Search name="group" label="Id of the group" />}
        {type === "4" && <Search name="one" label="Id of a player" />}
        {type === "4" && <Search name="two" label="Id of the other one" />}
        <Action
          label={`Delete ${ids.length}`}
          kind="danger"
          right="CHANNEL_MESSAGE:delete"
          disabled={ids.length === 0}
          confirm={{ title: `Delete ${ids.length} messages?`, action: "Delete", danger: true }}
          run={async () => {
            await del("message", { ids });
            pages.drop((m) => ids.includes(m.message_id));
            selection.value = new Set();
          }}
          done="The messages are deleted."
        />
        <Action
          label="Delete old ones"
          right="CHANNEL_MESSAGE:delete"
          run={async () => {
            if (await show<boolean>((close) => <DeleteOld close={close} />)) pages.reload();
          }}
        />
      </div>
      {!chosen ? (
        <Empty>Choose a channel to see its messages.</Empty>
      ) : (
        <Table
          label="Messages"
          rows={pages.rows}
          rowKey={(m) => m.message_id}
          selection={can("CHANNEL_MESSAGE:delete") ? selection : undefined}
          columns={[
            { title: "Time", width: "10.5rem", cell: (m) => <When at={m.create_time} /> },
            { title: "Sender", width: "minmax(7rem, 12rem)", cell: (m) => <a href={href(`/players/${m.sender_id}`)}>{m.username || m.sender_id}</a> },
            { title: "Kind", width: "8rem", wide: true, cell: (m) => codes[m.code] ?? m.code },
            { title: "Content", width: "minmax(12rem, 1fr)", cell: (m) => <JsonText value={m.content} /> },
          ]}
          loading={pages.loading}
          error={pages.error}
          retry={pages.reload}
          more={pages.more}
          next={pages.next}
          empty="There are no messages."
        />
      )}
    </>
  );
}

function DeleteOld({ close }: { close: (done?: boolean) => void }) {
  const before = useSignal("");
  return (
    <FormDialog
      title="Delete old messages"
      action="Delete"
      danger
      disabled={!before.value}
      onClose={close}
      onSubmit={async () => {
        const { total } = await del<{ total: string }>("message", { before: new Date(before.value).toISOString() });
        tell(`${total} messages are deleted.`);
        close(true);
      }}
    >
      <p>Messages of all channels that are older are deleted for good.</p>
      <TextField label="Older than" type="datetime-local" value={before} required />
    </FormDialog>
  );
}
