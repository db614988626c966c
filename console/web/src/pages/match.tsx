import { useSignal } from "@preact/signals";
import { useMemo, useState } from "preact/hooks";
import { path, post } from "../lib/api";
import { milliseconds } from "../lib/format";
import { type Failure, useLive } from "../lib/live";
import { href } from "../lib/router";
import { stateOf, tickOf } from "../parts/tick";
import type { PageProps } from "../routes";
import { Action, Allowed } from "../ui/action";
import { Badge, Card, Facts, Id, Problem } from "../ui/show";
import { changeState, endMatch, Players, SignalForm } from "./match/controls";
import { History } from "./match/history";
import { Inspector } from "./match/inspector";
import type { Described, News } from "./match/news";

// MatchPage shows a match while it is played.
export default function MatchPage({ params }: PageProps) {
  const id = params.id!;
  const history = useMemo(() => new History(), [id]);
  const chosen = useSignal<number | null>(null);
  const [match, setMatch] = useState<Described | null>(null);
  const [failed, setFailed] = useState<Failure | null>(null);

  const receive = (news: News) => {
    if (news.match) setMatch(news.match);
    history.add(news.ticks.map(tickOf), news.state ? stateOf(news.state) : undefined);
  };
  const subscription = () => {
    history.subscribed();
    return { id };
  };
  useLive("match", subscription, receive, [id], setFailed);

  if (failed && !match) return <Problem error={new Error(failed.message)} />;
  if (!match) return <p class="loading" aria-busy="true">Loading…</p>;
  history.changed.value;
  const newest = history.states.at(-1);
  const act = (end: string) => () => post(path`match/${id}` + end);
  return (
    <>
      <Card
        actions={
          <>
            {match.handler && <a href={href("/matches/recordings", { match: id })}>Recordings</a>}
            {!match.ended && (
              <>
                {match.can_pause && (match.paused ? <Action label="Resume" icon="run" right="MATCH:write" run={act("/resume")} /> : <Action label="Pause" right="MATCH:write" run={act("/pause")} />)}
                {match.can_pause && match.paused && <Action label="Step" right="MATCH:write" run={act("/step")} />}
                {match.handler && newest && match.runtime !== "go" && <Action label="Change the state" right="MATCH:write" run={() => changeState(id, newest.text)} />}
                <Action label="End" kind="danger" right="MATCH:delete" run={() => endMatch(id)} />
              </>
            )}
          </>
        }
      >
        <Facts
          of={[
            ["Id", <Id value={id} />],
            ["State", <span class="badges">{match.ended ? <Badge kind="bad">ended</Badge> : match.paused ? <Badge kind="warn">paused</Badge> : <Badge kind="good">running</Badge>}</span>],
            ["Handler", match.handler ? `${match.handler} (${match.runtime})` : "relayed: there is none"],
            ["Label", match.label],
            ["Ticks", match.handler && `${match.tick_rate} a second, ${milliseconds(match.budget_ms)} each`],
            ["Players", match.presences.length],
          ]}
        />
      </Card>
      <Inspector history={history} rate={match.handler ? match.tick_rate : 0} chosen={chosen} />
      <Players id={id} of={match.presences} />
      {match.handler && !match.ended && (
        <Allowed right="MATCH:write">
          <SignalForm id={id} />
        </Allowed>
      )}
    </>
  );
}
