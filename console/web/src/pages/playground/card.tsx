import { useSignal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";
import { href } from "../../lib/router";
import { can } from "../../lib/session";
import { actions, type Action as Deed, joinMatched, leave, type Values } from "../../play/actions";
import { removePlayer } from "../../play/room";
import type { Player } from "../../play/player";
import { Action } from "../../ui/action";
import { show } from "../../ui/dialog";
import { Icon } from "../../ui/icons";
import { Badge } from "../../ui/show";
import { complain, tell } from "../../ui/toast";
import { AccountDialog, CodeDialog, LinkDialog } from "./dialogs";
import { Form } from "./form";

const groups = [...new Set(actions.map((a) => a.group))];
const kinds = { offline: undefined, connecting: "warn", online: "good" } as const;

// hue is the colour of a player, on its card and in the time line.
export const hue = (number: number) => ({ "--hue": String((number * 67) % 360) });

// PlayerCard is a player: its state and what it can do.
export function PlayerCard({ player, started }: { player: Player; started: number }) {
  const id = useId();
  const chosen = useSignal("create");
  const values = useSignal<Record<string, Values>>({});
  useEffect(() => {
    if (player.matches.peek().length > 0) chosen.value = "data";
  }, [started]);
  const state = player.state.value;
  const { latency, jitter, loss } = player.conditions.value;
  const action = actions.find((a) => a.name === chosen.value)!;

  const run = async (deed: Deed, v: Values) => {
    const result = await deed.run(player, v);
    if (typeof result === "string" && result) tell(result.slice(0, 300));
    if (deed.next) chosen.value = deed.next;
  };

  return (
    <section class="card player" aria-labelledby={id} style={hue(player.number)}>
      <header>
        <h2 id={id} class="ellipsis">
          <span class="dot" /> {player.number}. {player.username.value || player.account.username || "Player"}
        </h2>
        <Badge kind={kinds[state]}>{state}</Badge>
      </header>
      <div class="buttons">
        {state === "online" ? <Action label="Drop" run={() => player.drop()} /> : <Action label="Connect" kind="primary" disabled={state === "connecting"} run={() => player.connect()} />}
        <button type="button" title="Latency, jitter and loss" onClick={() => void show((close) => <LinkDialog player={player} close={close} />)}>
          {latency || jitter || loss ? `${latency} ms ± ${jitter}, ${loss} %` : "Link"}
        </button>
        <button type="button" onClick={() => void show((close) => <CodeDialog player={player} close={close} />)}>
          Code
        </button>
        <button type="button" class="plain" aria-label="Account" title="Account" onClick={() => void show((close) => <AccountDialog player={player} close={close} />)}>
          <Icon name="settings" />
        </button>
        <button type="button" class="plain" aria-label="Remove the player" title="Remove the player" onClick={() => removePlayer(player)}>
          <Icon name="trash" />
        </button>
      </div>
      <Places player={player} />
      {state === "online" && (
        <>
          <label class="field">
            <span>Action</span>
            <select value={chosen.value} onChange={(e) => (chosen.value = e.currentTarget.value)}>
              {groups.map((g) => (
                <optgroup key={g} label={g}>
                  {actions
                    .filter((a) => a.group === g)
                    .map((a) => (
                      <option key={a.name} value={a.name}>
                        {a.title}
                      </option>
                    ))}
                </optgroup>
              ))}
            </select>
          </label>
          <Form key={action.name} player={player} action={action} values={values.value[action.name] ?? {}} change={(v) => (values.value = { ...values.value, [action.name]: v })} run={run} />
        </>
      )}
    </section>
  );
}

// Places is where a player is.
function Places({ player }: { player: Player }) {
  const party = player.party.value;
  const chip = (key: string, label: string, text: string, out?: () => Promise<unknown>, to?: string) => (
    <li key={key}>
      <span class="dim">{label}</span> {to ? <a href={to}>{text}</a> : text}
      {out && (
        <button type="button" class="plain small" aria-label={`Leave ${label} ${text}`} title="Leave" onClick={() => void out().catch(complain)}>
          <Icon name="close" />
        </button>
      )}
    </li>
  );
  return (
    <ul class="places">
      {player.matches.value.map((m) => chip(m.id, "match", `${m.id.slice(0, 8)} (${m.presences.length + 1})`, () => leave(player, m.id), can("MATCH:read") ? href(`/matches/${encodeURIComponent(m.id)}`) : undefined))}
      {player.channels.value.map((c) => chip(c.id, "channel", c.name, () => player.send("channel_leave", { channel_id: c.id })))}
      {party && chip(party.id, player.leads ? "leads a party" : "party", `${party.id.slice(0, 8)} (${party.presences.length + 1}${party.requests.length > 0 ? `, ${party.requests.length} waiting` : ""})`, () => player.send("party_leave", { party_id: party.id }))}
      {player.tickets.value.map((t) => chip(t, "looks for players", t.slice(0, 8), () => player.send("matchmaker_remove", { ticket: t })))}
      {player.status.value && chip("status", "status", player.status.value)}
      {player.matched.value && (
        <li>
          <span class="dim">found {player.matched.value.users?.length ?? 0} players</span>
          <Action label="Join the match" kind="primary" run={() => joinMatched(player)} />
        </li>
      )}
    </ul>
  );
}
