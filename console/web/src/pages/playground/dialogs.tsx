import { useSignal } from "@preact/signals";
import { save } from "../../lib/files";
import { write } from "../../play/export";
import { csharp } from "../../play/export_csharp";
import { gdscript } from "../../play/export_gdscript";
import { javascript } from "../../play/export_js";
import type { Player } from "../../play/player";
import { replace, timeline } from "../../play/room";
import { Dialog, FormDialog } from "../../ui/dialog";
import { SelectField, TextField } from "../../ui/field";
import { tell } from "../../ui/toast";

interface Props {
  player: Player;
  close: () => void;
}

// LinkDialog sets how bad the connection of a player is.
export function LinkDialog({ player, close }: Props) {
  const { latency, jitter, loss } = player.conditions.peek();
  const values = { latency: useSignal(String(latency)), jitter: useSignal(String(jitter)), loss: useSignal(String(loss)) };
  const number = (v: { value: string }, max: number) => Math.min(max, Math.max(0, Number(v.value) || 0));
  return (
    <FormDialog
      title="Connection"
      action="Apply"
      onClose={close}
      onSubmit={() => {
        player.conditions.value = { latency: number(values.latency, 10_000), jitter: number(values.jitter, 10_000), loss: number(values.loss, 100) };
        close();
      }}
    >
      <TextField label="Latency in milliseconds" type="number" min={0} max={10000} value={values.latency} hint="In each direction." />
      <TextField label="Jitter in milliseconds" type="number" min={0} max={10000} value={values.jitter} hint="Up to so much more, at random. Messages keep their order." />
      <TextField label="Loss in percent" type="number" min={0} max={100} value={values.loss} hint="Of data messages of matches, parties and streams. Requests always arrive." />
    </FormDialog>
  );
}

// AccountDialog gives a player another account.
export function AccountDialog({ player, close }: Props) {
  const { kind, id, username } = player.account;
  const values = { kind: useSignal<string>(kind), id: useSignal(id), username: useSignal(username) };
  return (
    <FormDialog
      title="Account"
      action="Use it"
      onClose={close}
      onSubmit={async () => {
        await replace(player, { kind: values.kind.value as "custom", id: values.id.value.trim(), username: values.username.value.trim() });
        close();
      }}
    >
      <SelectField
        label="Signs in with"
        value={values.kind}
        options={[
          ["custom", "a custom id"],
          ["device", "a device id"],
        ]}
      />
      <TextField label="Id" value={values.id} required hint="An account is created if there is none." />
      <TextField label="Username" value={values.username} hint="Of a new account. If it is blank the server chooses one." />
      <p class="dim">The player is disconnected.</p>
    </FormDialog>
  );
}

const dialects = { javascript, csharp, gdscript };

// CodeDialog shows what a player did as code.
export function CodeDialog({ player, close }: Props) {
  const language = useSignal<keyof typeof dialects>("javascript");
  const ssl = location.protocol === "https:";
  const dialect = dialects[language.value];
  const code = write(dialect, {
    steps: player.steps,
    truncated: player.truncated,
    received: timeline.entries.filter((e) => e.player === player.number && e.way === "received").map((e) => e.kind),
    key: player.serverKey,
    host: location.hostname,
    port: ssl ? 443 : 7350,
    ssl,
  });
  const copy = async () => {
    await navigator.clipboard.writeText(code);
    tell("The code is copied.");
  };
  return (
    <Dialog title="What the player did, as code" wide onClose={close}>
      <div class="stack">
        <SelectField
          label="SDK"
          value={language as typeof language & { value: string }}
          options={[
            ["javascript", "JavaScript: @heroiclabs/nakama-js"],
            ["csharp", "C#: NakamaClient, for .NET, Unity and Godot"],
            ["gdscript", "GDScript: Nakama for Godot 4"],
          ]}
        />
        <pre class="code" tabIndex={0} aria-label="Code">
          {code}
        </pre>
        <div class="buttons">
          {navigator.clipboard && (
            <button type="button" class="primary" onClick={() => void copy()}>
              Copy
            </button>
          )}
          <button type="button" onClick={() => save(`player.${dialect.extension}`, code, "text/plain")}>
            Save as a file
          </button>
          <button type="button" onClick={close}>
            Close
          </button>
        </div>
      </div>
    </Dialog>
  );
}
