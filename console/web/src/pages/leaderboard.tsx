import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { del, get, path, post } from "../lib/api";
import { count } from "../lib/format";
import { pretty } from "../lib/json";
import { useLoad, usePages } from "../lib/load";
import { filter, go, href } from "../lib/router";
import { showTime } from "../lib/time";
import { operators, orders } from "../parts/boards";
import type { PageProps } from "../routes";
import { Action } from "../ui/action";
import { FormDialog, show } from "../ui/dialog";
import { SelectField, TextField } from "../ui/field";
import { JsonEditor, JsonText } from "../ui/json_editor";
import { heading } from "../ui/layout";
import { Search } from "../ui/search";
import { Badge, Card, Facts, Id, Loaded, When } from "../ui/show";
import { type Column, Table } from "../ui/table";
import { tell } from "../ui/toast";

interface Board {
  id: string;
  title: string;
  description: string;
  category: number;
  sort_order: number;
  size: number;
  max_size: number;
  max_num_score: number;
  operator: number;
  start_active: number;
  end_active: number;
  reset_schedule: string;
  metadata: string;
  create_time: string | null;
  start_time: string | null;
  end_time: string | null;
  duration: number;
  join_required: boolean;
  authoritative: boolean;
  tournament: boolean;
  prev_reset: number;
  next_reset: number;
}

interface Score {
  owner_id: string;
  username: string | null;
  score: string;
  subscore: string;
  num_score: number;
  metadata: string;
  update_time: string | null;
  rank: string;
}

export default function LeaderboardPage({ params }: PageProps) {
  const id = params.id!;
  const board = useLoad((signal) => get<Board>(path`leaderboard/${id}`, {}, signal), [id]);
  useEffect(() => {
    heading.value = id;
  }, [id]);
  return (
    <Loaded of={board}>
      {(data) => (
        <>
          <Summary board={data} reload={board.reload} />
          <Scores key={data.prev_reset} board={data} />
        </>
      )}
    </Loaded>
  );
}

function Summary({ board, reload }: { board: Board; reload: () => Promise<void> }) {
  const at = path`leaderboard/${board.id}`;
  const reset = async () => {
    const { records, reset_time } = await post<{ records: string; reset_time: string }>(at + "/reset");
    await reload();
    tell(`The period has ended with ${records} records, which expired at ${showTime(new Date(Number(reset_time) * 1000))}.`);
  };
  return (
    <Card
      actions={
        <>
          <Action
            label="Reset"
            right="LEADERBOARD:write"
            confirm={{ title: `Reset ${board.id}?`, text: "The current period ends now, and the modules are told. The records can still be listed by the time of the reset.", action: "Reset", danger: true }}
            run={reset}
          />
          <Action
            label="Delete"
            icon="trash"
            kind="danger"
            right="LEADERBOARD:delete"
            confirm={{ title: `Delete ${board.id}?`, text: "All its records are deleted for good.", action: "Delete", danger: true, word: board.id }}
            run={async () => {
              await del(at);
              go("/leaderboards");
            }}
            done="The leaderboard is deleted."
          />
        </>
      }
    >
      <Facts
        of={[
          ["Kind", board.tournament ? <Badge kind="info">tournament</Badge> : "leaderboard"],
          ["Best is", orders[board.sort_order]],
          ["Keeps", operators[board.operator]],
          ["Written by", board.authoritative ? "the server" : "players, too"],
          ["Resets", board.reset_schedule && <code>{board.reset_schedule}</code>],
          ["Next reset", <When at={board.next_reset} />],
          ["Last reset", <When at={board.prev_reset} />],
          ["Created", <When at={board.create_time} />],
          ...(board.tournament ? tournamentFacts(board) : []),
        ]}
      />
      {board.metadata && board.metadata !== "{}" && <pre>{pretty(board.metadata)}</pre>}
    </Card>
  );
}

const anyNumber = 2 ** 31 - 1; // what the server says for it

const tournamentFacts = (b: Board): [string, preact.ComponentChildren][] => [
  ["Title", b.title],
  ["Description", b.description],
  ["Category", b.category],
  ["Players", b.max_size > 0 && b.max_size < anyNumber ? `${count(b.size)} of ${count(b.max_size)}` : count(b.size)],
  ["Scores of a player", b.max_num_score ? `${b.max_num_score} at most` : "any number"],
  ["Joining", b.join_required ? "before the first score" : "not needed"],
  ["Active from", <When at={b.start_active} />],
  ["Active until", <When at={b.end_active} />],
  ["Starts", <When at={b.start_time} />],
  ["Ends", <When at={b.end_time} />],
];

function Scores({ board }: { board: Board }) {
  const owner = filter("owner");
  const expiry = filter("expiry");
  const at = path`leaderboard/${board.id}/records`;
  const pages = usePages(
    async (cursor, signal) => {
      const list = await get<{ records: Score[]; owner_records: Score[]; next_cursor: string }>(at, { limit: 100, cursor, owner_ids: owner ? [owner] : [], expiry }, signal);
      return owner ? { rows: list.owner_records } : { rows: list.records, cursor: list.next_cursor };
    },
    [at, owner, expiry],
  );
  const writeScore = async (score?: Score) => {
    if (await show<boolean>((close) => <WriteScore board={board} score={score} close={close} />)) pages.reload();
  };
  const columns: Column<Score>[] = [
    { title: "Rank", width: "4rem", right: true, cell: (s) => count(Number(s.rank)) },
    { title: "Player", cell: (s) => <a href={href(`/players/${s.owner_id}`)}>{s.username || s.owner_id}</a> },
    { title: "Score", width: "9rem", right: true, cell: (s) => s.score },
    { title: "Subscore", width: "6rem", right: true, wide: true, cell: (s) => s.subscore },
    { title: "Times", width: "5rem", right: true, wide: true, cell: (s) => s.num_score },
    { title: "Metadata", width: "minmax(4rem, 1fr)", wide: true, cell: (s) => s.metadata && s.metadata !== "{}" && <JsonText value={s.metadata} /> },
    { title: "Updated", width: "10.5rem", wide: true, cell: (s) => <When at={s.update_time} /> },
    {
      title: "",
      width: "6rem",
      right: true,
      cell: (s) => (
        <>
          <Action label="Edit" kind="plain" right="LEADERBOARD_RECORD:write" run={() => writeScore(s)} />
          <Action
            label="Delete"
            icon="trash"
            kind="plain"
            iconOnly
            right="LEADERBOARD_RECORD:delete"
            confirm={{ title: "Delete the record?", text: `${s.username || s.owner_id}: ${s.score}`, action: "Delete", danger: true }}
            run={async () => {
              await del(path`leaderboard/${board.id}/owner/${s.owner_id}`);
              pages.drop((other) => other.owner_id === s.owner_id);
            }}
            done="The record is deleted."
          />
        </>
      ),
    },
  ];
  return (
    <>
      <div class="tools">
        <Search name="owner" label="Id of a player" />
        <Search name="expiry" label="Earlier period" hint="The time at which it ended, in Unix seconds" />
        <Action label="Write a score" icon="plus" right="LEADERBOARD_RECORD:write" run={() => writeScore()} />
      </div>
      <Table
        label="Records"
        rows={pages.rows}
        columns={columns}
        rowKey={(s) => s.owner_id}
        loading={pages.loading}
        error={pages.error}
        retry={pages.reload}
        more={pages.more}
        next={pages.next}
        empty="There are no records."
      />
    </>
  );
}

// The operators of a single write, by the number that the API has for them.
const writeOperators = [
  ["0", "As the leaderboard does"],
  ["2", "Set"],
  ["1", "Keep the best"],
  ["3", "Add"],
  ["4", "Take away"],
] as const;

function WriteScore({ board, score, close }: { board: Board; score?: Score; close: (done?: boolean) => void }) {
  const owner = useSignal(score?.owner_id ?? "");
  const points = useSignal(score?.score ?? "");
  const sub = useSignal(score?.subscore ?? "0");
  const operator = useSignal(score ? "2" : "0");
  const metadata = useSignal(pretty(score?.metadata || "{}"));
  return (
    <FormDialog
      title={score ? `The score of ${score.username || score.owner_id}` : "Write a score"}
      action="Write"
      disabled={!owner.value || !/^-?\d+$/.test(points.value) || !/^-?\d+$/.test(sub.value)}
      onClose={close}
      onSubmit={async () => {
        await post(path`leaderboard/${board.id}/owner/${owner.value.trim()}`, {
          score: points.value,
          subscore: sub.value,
          operator: Number(operator.value),
          metadata: metadata.value,
        });
        close(true);
      }}
    >
      {!score && (
        <p>
          <TextField label="Id of the player" value={owner} required autofocus />
        </p>
      )}
      <div class="columns">
        <TextField label="Score" value={points} inputmode="numeric" required />
        <TextField label="Subscore" value={sub} inputmode="numeric" required />
      </div>
      <SelectField label="How" value={operator} options={writeOperators} />
      <JsonEditor label="Metadata" value={metadata} wanted="object" height="3rem" />
      {score && <Id value={score.owner_id} />}
    </FormDialog>
  );
}
