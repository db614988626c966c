import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import { get, path, post } from "../lib/api";
import { pretty } from "../lib/json";
import { useLoad } from "../lib/load";
import { go, href } from "../lib/router";
import type { PageProps } from "../routes";
import { Action, Allowed } from "../ui/action";
import { FormDialog, show } from "../ui/dialog";
import { TextArea, TextField } from "../ui/field";
import { Card, Facts, Id, Loaded } from "../ui/show";
import { Table } from "../ui/table";

interface Presence {
  user_id: string;
  session_id: string;
  username: string;
}

interface State {
  presences: Presence[];
  tick: string;
  state: string;
}

// MatchPage is one match: who is in it, and the state of its handler.
export default function MatchPage({ params }: PageProps) {
  const id = params.id!;
  const state = useLoad((signal) => get<State>(path`match/${id}/state`, {}, signal), [id]);
  return (
    <Loaded of={state}>
      {(data) => (
        <>
          <Card
            actions={
              <>
                <Action label="Reload" icon="reload" run={state.reload} />
                <Action label="End" kind="danger" right="MATCH:delete" run={() => show<void>((close) => <EndDialog id={id} close={close} />)} />
              </>
            }
          >
            <Facts
              of={[
                ["Id", <Id value={id} />],
                ["Tick", data.tick],
                ["Players", data.presences.length],
              ]}
            />
          </Card>
          <Card title="Players">
            <Table
              label="Players"
              rows={data.presences}
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
                      run={async () => {
                        await post(path`match/${id}/kick`, { session_id: p.session_id });
                        state.reload();
                      }}
                      done={`${p.username} has left the match.`}
                    />
                  ),
                },
              ]}
              empty="Nobody is in the match."
            />
          </Card>
          <Allowed right="MATCH:write">
            <Signal id={id} />
          </Allowed>
          {data.state && (
            <Card title="State">
              <pre>{pretty(data.state)}</pre>
            </Card>
          )}
        </>
      )}
    </Loaded>
  );
}

// Signal sends data to the match and shows what the handler answers.
function Signal({ id }: { id: string }) {
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
      {answer !== undefined && <pre>{answer === "" ? "The answer is empty." : pretty(answer)}</pre>}
    </Card>
  );
}

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
