import { useSignal } from "@preact/signals";
import { href } from "../lib/router";
import { addPlayer, maxPlayers, players, timeline, twoInAMatch } from "../play/room";
import { Action } from "../ui/action";
import { Empty } from "../ui/show";
import { PlayerCard } from "./playground/card";
import { TimelineTable } from "./playground/timeline";

// The playground has made-up players, each with a socket of the client API.
export default function Playground() {
  const all = players.value;
  const started = useSignal(0); // cards open the form for data after a match was started
  return (
    <div class="playground">
      <div class="tools">
        <Action
          label="Two players in a match"
          icon="play"
          kind={all.length === 0 ? "primary" : undefined}
          run={async () => {
            await twoInAMatch();
            started.value++;
          }}
        />
        <Action label="Add a player" icon="plus" disabled={all.length >= maxPlayers} run={() => addPlayer()} />
        <Action label="Connect all" disabled={!all.some((p) => p.state.value === "offline")} run={() => Promise.all(all.map((p) => p.connect()))} />
        <span class="count">
          {all.length} of {maxPlayers} players
        </span>
      </div>
      {all.length === 0 ? (
        <Empty>
          Players whom you make up, to try a game: they chat, form parties, find each other and play. Each has an account of its own, <code>play-…</code>, which stays in the <a href={href("/players")}>list of players</a>.
        </Empty>
      ) : (
        <div class="cards">
          {all.map((p) => (
            <PlayerCard key={`${p.number} ${p.account.id}`} player={p} started={started.value} />
          ))}
        </div>
      )}
      {(all.length > 0 || timeline.entries.length > 0) && <TimelineTable />}
    </div>
  );
}
