import { type Signal, useSignal } from "@preact/signals";
import { path, post } from "../../lib/api";
import { pretty } from "../../lib/json";
import { useUnsaved } from "../../lib/router";
import { can } from "../../lib/session";
import type { Account, Player } from "../../lib/types";
import { Action } from "../../ui/action";
import { TextField, useSaved } from "../../ui/field";
import { JsonEditor } from "../../ui/json_editor";
import { Card } from "../../ui/show";

const texts = [
  ["username", "Username"],
  ["display_name", "Display name"],
  ["avatar_url", "Avatar URL"],
  ["lang_tag", "Language"],
  ["location", "Location"],
  ["timezone", "Time zone"],
] as const;

// The identities, by the names of their fields, as the API unlinks them.
const identities: [field: keyof Player, call: string, title: string][] = [
  ["apple_id", "apple", "Apple"],
  ["facebook_id", "facebook", "Facebook"],
  ["facebook_instant_game_id", "facebookinstantgame", "Facebook Instant Games"],
  ["gamecenter_id", "gamecenter", "Game Center"],
  ["google_id", "google", "Google"],
  ["steam_id", "steam", "Steam"],
];

interface Props {
  data: Account;
  reload: () => Promise<void>;
}

// Profile edits what an account says of its player. Only what was changed is sent.
export function Profile({ data, reload }: Props) {
  return (
    <div class="split">
      <ProfileForm data={data} reload={reload} />
      <div class="stack">
        <Identities data={data} reload={reload} />
        {can("ACCOUNT:write") && <Password data={data} reload={reload} />}
      </div>
    </div>
  );
}

function ProfileForm({ data, reload }: Props) {
  const { user, custom_id, email } = data.account;
  const before: Record<string, string> = { custom_id, email, metadata: pretty(user.metadata || "{}") };
  for (const [name] of texts) before[name] = user[name];
  const values: Record<string, Signal<string>> = {};
  for (const [name, value] of Object.entries(before)) values[name] = useSaved(value);
  // How the metadata is set out does not matter.
  const differs = (name: string, value: string) => (name === "metadata" ? pretty(value) : value) !== before[name];
  const changes = Object.fromEntries(Object.entries(values).flatMap(([name, s]) => (differs(name, s.value) ? [[name, s.value]] : [])));
  useUnsaved(Object.keys(changes).length > 0);
  const save = async () => {
    await post(path`account/${user.id}`, changes);
    await reload();
  };
  return (
    <Card title="Profile">
      <form class="stack" onSubmit={(e) => e.preventDefault()}>
        <div class="columns">
          {texts.map(([name, title]) => (
            <TextField key={name} label={title} value={values[name]!} readOnly={!can("ACCOUNT:write")} />
          ))}
          <TextField label="E-mail address" hint="Blank unlinks it" type="email" value={values.email!} readOnly={!can("ACCOUNT:write")} />
          <TextField label="Custom id" hint="Blank unlinks it" value={values.custom_id!} readOnly={!can("ACCOUNT:write")} />
        </div>
        <JsonEditor label="Metadata" value={values.metadata!} wanted="object" readOnly={!can("ACCOUNT:write")} />
        <div class="buttons">
          <Action label="Save" kind="primary" submit right="ACCOUNT:write" disabled={Object.keys(changes).length === 0} run={save} done="The profile is saved." />
        </div>
      </form>
    </Card>
  );
}

function Identities({ data, reload }: Props) {
  const { user, devices } = data.account;
  const linked = identities.filter(([field]) => user[field]);
  const unlink = (title: string, call: string, body: unknown = {}) => (
    <Action
      label="Unlink"
      right="ACCOUNT:write"
      confirm={{ title: `Unlink ${title}?`, text: "The player cannot sign in with it any more.", action: "Unlink", danger: true }}
      run={async () => {
        await post(path`account/${user.id}/unlink/${call}`, body);
        await reload();
      }}
      done="It is unlinked."
    />
  );
  return (
    <Card title="Signs in with">
      <div class="list">
        {devices.map((d) => (
          <div key={d.id}>
            <span class="dim">Device</span>
            <code class="grow">{d.id}</code>
            {unlink("the device", "device", { device_id: d.id })}
          </div>
        ))}
        {data.account.custom_id && (
          <div>
            <span class="dim">Custom id</span>
            <code class="grow">{data.account.custom_id}</code>
            {unlink("the custom id", "custom")}
          </div>
        )}
        {data.account.email && (
          <div>
            <span class="dim">E-mail</span>
            <span class="grow">{data.account.email}</span>
            {unlink("the e-mail address", "email")}
          </div>
        )}
        {linked.map(([field, call, title]) => (
          <div key={field}>
            <span class="dim">{title}</span>
            <code class="grow">{String(user[field])}</code>
            {unlink(title, call)}
          </div>
        ))}
      </div>
    </Card>
  );
}

function Password({ data, reload }: Props) {
  const password = useSignal("");
  if (!data.account.email) return null;
  return (
    <Card title="Password">
      <form class="stack" onSubmit={(e) => e.preventDefault()}>
        <TextField label="New password of the player" hint="At least 8 characters" type="password" autocomplete="new-password" value={password} />
        <div class="buttons">
          <Action
            label="Set password"
            submit
            disabled={password.value.length < 8}
            run={async () => {
              await post(path`account/${data.account.user.id}`, { password: password.value });
              password.value = "";
              await reload();
            }}
            done="The password is set."
          />
        </div>
      </form>
    </Card>
  );
}
