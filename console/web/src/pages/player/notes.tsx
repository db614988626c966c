import { useSignal } from "@preact/signals";
import { del, get, path, post } from "../../lib/api";
import { usePages } from "../../lib/load";
import { useUnsaved } from "../../lib/router";
import type { Note } from "../../lib/types";
import { Action, Allowed } from "../../ui/action";
import { FormDialog, show } from "../../ui/dialog";
import { TextArea } from "../../ui/field";
import { Card, Empty, Problem, When } from "../../ui/show";

// Notes are what operators write down about a player.
export function Notes({ user }: { user: string }) {
  const text = useSignal("");
  const notes = usePages(
    async (cursor, signal) => {
      const list = await get<{ notes: Note[]; cursor: string }>(path`account/${user}/note`, { limit: 50, cursor }, signal);
      return { rows: list.notes, cursor: list.cursor };
    },
    [user],
  );
  useUnsaved(text.value.trim() !== "");
  const add = async () => {
    await post(path`account/${user}/note`, { note: text.value });
    text.value = "";
    notes.reload();
  };
  return (
    <Card title="Notes">
      <Allowed right="ACCOUNT_NOTES:write">
        <form class="stack" onSubmit={(e) => e.preventDefault()}>
          <TextArea label="New note" value={text} />
          <div class="buttons">
            <Action label="Add" kind="primary" submit disabled={!text.value.trim()} run={add} done="The note is added." />
          </div>
        </form>
      </Allowed>
      {notes.error !== undefined && <Problem error={notes.error} retry={notes.reload} />}
      <div class="list">
        {notes.rows.map((n) => (
          <div key={n.id}>
            <div class="grow">
              <p style={{ whiteSpace: "pre-wrap" }}>{n.note}</p>
              <small>
                {n.create_username}, <When at={n.create_time} />
                {n.update_time !== n.create_time && (
                  <>
                    ; changed by {n.update_username}, <When at={n.update_time} />
                  </>
                )}
              </small>
            </div>
            <Action
              label="Edit"
              right="ACCOUNT_NOTES:write"
              run={async () => {
                if (await show<boolean>((close) => <EditNote note={n} close={close} />)) notes.reload();
              }}
            />
            <Action
              label="Delete"
              kind="danger"
              right="ACCOUNT_NOTES:delete"
              confirm={{ title: "Delete the note?", text: n.note, action: "Delete", danger: true }}
              run={async () => {
                await del(path`account/${user}/note/${n.id}`);
                notes.drop((other) => other.id === n.id);
              }}
            />
          </div>
        ))}
      </div>
      {!notes.loading && notes.rows.length === 0 && <Empty>There are no notes.</Empty>}
      {notes.more && notes.rows.length > 0 && <Action label="More" run={notes.next} />}
    </Card>
  );
}

function EditNote({ note, close }: { note: Note; close: (saved?: boolean) => void }) {
  const text = useSignal(note.note);
  return (
    <FormDialog
      title="Edit the note"
      action="Save"
      disabled={!text.value.trim()}
      onClose={close}
      onSubmit={async () => {
        await post(path`account/${note.user_id}/note`, { id: note.id, note: text.value });
        close(true);
      }}
    >
      <TextArea label="Note" rows={6} value={text} />
    </FormDialog>
  );
}
