import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import { post, RawJson } from "../lib/api";
import { parse, write } from "../lib/json";
import { filter } from "../lib/router";
import { NotificationTable } from "../parts/notifications";
import { Action } from "../ui/action";
import { ask, FormDialog, show } from "../ui/dialog";
import { Check, TextArea, TextField } from "../ui/field";
import { JsonEditor } from "../ui/json_editor";
import { Search } from "../ui/search";
import { tell } from "../ui/toast";

export default function Notifications() {
  const [round, again] = useState(0);
  const send = async () => {
    if (await show<boolean>((close) => <Send to={filter("user")} close={close} />)) again((n) => n + 1);
  };
  return (
    <>
      <div class="tools">
        <Search name="user" label="Id of the player" />
        <Action label="Send" icon="plus" right="NOTIFICATION:write" run={send} />
      </div>
      <NotificationTable user={filter("user")} round={round} />
    </>
  );
}

function Send({ to, close }: { to: string; close: (sent?: boolean) => void }) {
  const all = useSignal(false);
  const ids = useSignal(to);
  const subject = useSignal("");
  const code = useSignal("1");
  const content = useSignal("{}");
  const persistent = useSignal(true);
  const submit = async () => {
    const users = all.value ? [] : ids.value.split(/[\s,]+/).filter(Boolean);
    if (!all.value && users.length === 0) throw new Error("There is no player to send it to.");
    if (all.value && !(await ask({ title: "Send it to every player?", text: subject.value, action: "Send to all", danger: true, word: "all" }))) return;
    const rest = { user_ids: users, subject: subject.value, code: Number(code.value), persistent: persistent.value };
    await post("notification", new RawJson(`${JSON.stringify(rest).slice(0, -1)},"content":${write(parse(content.value), 0)}}`));
    tell("The notification is sent.");
    close(true);
  };
  return (
    <FormDialog title="Send a notification" action="Send" wide disabled={!subject.value || !(Number(code.value) > 0)} onClose={close} onSubmit={submit}>
      <Check label="To every player" value={all} />
      {!all.value && <TextArea label="Ids of the players" value={ids} hint="One a line, or separated by commas" />}
      <div class="columns">
        <TextField label="Subject" value={subject} required />
        <TextField label="Code" type="number" min={1} value={code} required hint="Positive; what it means is up to the game" />
      </div>
      <JsonEditor label="Content" value={content} wanted="object" />
      <Check label="Keep it for players who are offline" value={persistent} />
    </FormDialog>
  );
}
