import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import { path, post } from "../../lib/api";
import { mistake, parse, pretty, write } from "../../lib/json";
import { go, href } from "../../lib/router";
import type { Presence } from "../../play/player";
import { Action } from "../../ui/action";
import { FormDialog, show } from "../../ui/dialog";
import { TextArea, TextField } from "../../ui/field";
import { JsonEditor } from "../../ui/json_editor";
import { Card, Id } from "../../ui/show";
import { Table } from "../../ui/table";
import { tell } from "../../ui/toast";
import { mergePatch } from "./patch";

// Players are the presences of a match.
export const Players = ({ id, of }: { id: string; of: Presence[] }) => (
  <Card title="Players">
    <Table
      label="Players"
      rows={of}
      rowKey={(p) => p.session_id}
      columns={[
        { title: "Username", cell: (p) => <a href={href(`/players/${p.user_id}`)}>{p.username}</a>, sort: (p) => p.username },
        { title: "Session", wide: true, width: "minmax(9rem, 22rem)", cell: (p) => <Id value={p.session_id} /> },
        {
          title: "",
          width: "6rem",
          right: true,
          cell: (p) => (
            <Action
              label="Kick"
              kind="plain"
              right="MATCH:write"
              confirm={{ title: `Kick ${p.username}?`, text: "The player leaves the match, and may join again if the handler allows it.", action: "Kick", danger: true }}
              run={() => post(path`match/${id}/kick`, { session_id: p.session_id })}
              done={`${p.username} has left the match.`}
            />
          ),
        },
      ]}
      empty="Nobody is in the match."
    />
  </Card>
);

// SignalForm sends data to the match and shows what the handler answers.
export function SignalForm({ id }: { id: string }) {
  const data = useSignal("");
  const [answer, set] = useState<string>();
  return (
    <Card title="Signal">
      <form class="stack" onSubmit={(e) => e.preventDefault()}>
        <TextArea label="Data" value={data} />
        <div class="buttons">
          <Action label="Send" submit run={async () => set((await post<{ data: string }>(path`match/${id}/signal`, { data: data.value })).data)} />
        </div>
      </form>
      {answer !== undefined && <pre class="code">{answer === "" ? "The answer is empty." : pretty(answer)}</pre>}
    </Card>
  );
}

export const endMatch = (id: string) => show<void>((close) => <EndDialog id={id} close={close} />);

function EndDialog({ id, close }: { id: string; close: () => void }) {
  const grace = useSignal("0");
  return (
    <FormDialog
      title="End the match?"
      action="End"
      danger
      onClose={close}
      onSubmit={async () => {
        await post(path`match/${id}/end`, { grace_sec: Number(grace.value) });
        close();
        go("/matches");
      }}
    >
      <TextField label="Seconds for the handler to end it itself" hint="0: it ends at once" type="number" min={0} max={600} value={grace} />
    </FormDialog>
  );
}

// changeState lets the operator edit the text of a state. What was edited is sent as a merge
// patch, so the rest of the state, which has gone on since, stays as it is.
export async function changeState(id: string, text: string): Promise<void> {
  if (mistake(text)) throw new Error("The state is too large to be changed here.");
  await show<void>((close) => <StateDialog id={id} text={text} close={close} />);
}

function StateDialog({ id, text, close }: { id: string; text: string; close: () => void }) {
  const state = useSignal(pretty(text));
  return (
    <FormDialog
      title="Change the state"
      action="Change it"
      danger
      wide
      onClose={close}
      onSubmit={async () => {
        const patch = mergePatch(parse(text), parse(state.value));
        if (!patch) throw new Error("Nothing is different.");
        await post(path`match/${id}/state`, { patch: write(patch, 0) });
        tell("The state was changed.");
        close();
      }}
    >
      <JsonEditor label="State" value={state} height="16rem" hint="Only what you change is set, between two ticks. A member that you remove or set to null is removed; a list is replaced as a whole." />
    </FormDialog>
  );
}
