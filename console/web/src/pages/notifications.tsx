import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { get, messageOf, post, RawJson } from "../lib/api";
import { parse, write } from "../lib/json";
import { useLoad } from "../lib/load";
import { filter } from "../lib/router";
import { NotificationTable } from "../parts/notifications";
import { Action } from "../ui/action";
import { ask, FormDialog, show } from "../ui/dialog";
import { Check, SelectField, TextArea, TextField } from "../ui/field";
import { JsonEditor } from "../ui/json_editor";
import { Search } from "../ui/search";
import { Badge, Card, When } from "../ui/show";
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
      <Sendings round={round} />
      <NotificationTable user={filter("user")} round={round} />
    </>
  );
}

// Whom a notification is for.
const audiences = [
  ["ids", "Some players"],
  ["filter", "Players whom a filter finds"],
  ["all", "Every player"],
] as const;

function Send({ to, close }: { to: string; close: (sent?: boolean) => void }) {
  const whom = useSignal("ids");
  const ids = useSignal(to);
  const language = useSignal("");
  const group = useSignal("");
  const after = useSignal("");
  const before = useSignal("");
  const subject = useSignal("");
  const code = useSignal("1");
  const content = useSignal("{}");
  const persistent = useSignal(true);
  const time = (text: string) => (text ? new Date(text).toISOString() : undefined);
  const audience = {
    lang_tag: language.value,
    group_id: group.value.trim(),
    created_after: time(after.value),
    created_before: time(before.value),
  };
  const some = whom.value === "ids";
  const query = whom.value === "filter" ? audience : {};
  const reached = useLoad(async (signal) => (some ? "" : (await get<{ count: string }>("notification/audience", query, signal)).count), [whom.value, ...Object.values(query)]);
  const submit = async () => {
    const users = ids.value.split(/[\s,]+/).filter(Boolean);
    if (some && users.length === 0) throw new Error("There is no player to send it to.");
    const sure = some || (await ask({ title: `Send it to ${reached.data} players?`, text: subject.value, action: "Send", danger: true, word: whom.value === "all" ? "all" : undefined }));
    if (!sure) return;
    const rest = { ...(some ? { user_ids: users } : { audience: query }), subject: subject.value, code: Number(code.value), persistent: persistent.value };
    const body = new RawJson(`${JSON.stringify(rest).slice(0, -1)},"content":${write(parse(content.value), 0)}}`);
    await post(some ? "notification" : "notification/audience", body);
    tell(some ? "The notification is sent." : "The notification is being sent.");
    close(true);
  };
  return (
    <FormDialog title="Send a notification" action="Send" wide disabled={!subject.value || !(Number(code.value) > 0)} onClose={close} onSubmit={submit}>
      <SelectField label="To" value={whom} options={audiences} />
      {some && <TextArea label="Ids of the players" value={ids} hint="One a line, or separated by commas" />}
      {whom.value === "filter" && (
        <div class="columns">
          <TextField label="Language" value={language} placeholder="en" />
          <TextField label="Members of the group with the id" value={group} />
          <TextField label="Created after" type="datetime-local" value={after} />
          <TextField label="Created before" type="datetime-local" value={before} />
        </div>
      )}
      {!some && <p role="status">{reached.error !== undefined ? messageOf(reached.error) : `It reaches ${reached.data ?? "…"} players.`}</p>}
      <div class="columns">
        <TextField label="Subject" value={subject} required />
        <TextField label="Code" type="number" min={1} value={code} required hint="Positive; what it means is up to the game" />
      </div>
      <JsonEditor label="Content" value={content} wanted="object" />
      <Check label="Keep it for players who are offline" value={persistent} />
    </FormDialog>
  );
}

interface Sending {
  id: string;
  subject: string;
  operator: string;
  total: string;
  sent: string;
  start_time: string | null;
  end_time: string | null;
  error_message: string;
}

// Sendings are the notifications to many that were sent since the start of the server.
function Sendings({ round }: { round: number }) {
  const list = useLoad((signal) => get<{ sendings: Sending[] }>("notification/sending", {}, signal), [round]);
  const sendings = list.data?.sendings ?? [];
  const busy = sendings.some((s) => !s.end_time);
  useEffect(() => {
    if (!busy) return;
    const timer = setTimeout(list.reload, 1000);
    return () => clearTimeout(timer);
  }, [list.data]);
  if (sendings.length === 0) return null;
  return (
    <Card title="To many players">
      <div class="list">
        {sendings.map((s) => (
          <div key={s.id}>
            <span class="grow">{s.subject}</span>
            {s.error_message ? <Badge kind="bad">{s.error_message}</Badge> : s.end_time ? <Badge kind="good">sent</Badge> : <progress value={Number(s.sent)} max={Number(s.total)} />}
            <span class="dim">
              {s.sent} of {s.total}
            </span>
            <span class="dim">{s.operator}</span>
            <When at={s.start_time} />
          </div>
        ))}
      </div>
    </Card>
  );
}
