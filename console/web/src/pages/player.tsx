import { useEffect } from "preact/hooks";
import { del, get, path, post, text } from "../lib/api";
import { save } from "../lib/files";
import { pretty } from "../lib/json";
import { satori } from "../lib/extensions";
import { useLoad } from "../lib/load";
import { go, href } from "../lib/router";
import { can } from "../lib/session";
import type { Account } from "../lib/types";
import { NotificationTable } from "../parts/notifications";
import { PurchaseTable, SubscriptionTable } from "../parts/purchases";
import { StorageTable } from "../parts/storage";
import type { PageProps } from "../routes";
import { Action } from "../ui/action";
import { FormDialog, show } from "../ui/dialog";
import { Check, SelectField, TextField } from "../ui/field";
import { heading } from "../ui/layout";
import { Badge, Card, Facts, Id, Loaded, When } from "../ui/show";
import { Tabs } from "../ui/tabs";
import { tell } from "../ui/toast";
import { Friends } from "./player/friends";
import { PlayerGroups } from "./player/groups";
import { Notes } from "./player/notes";
import { SatoriMessage } from "./player/satori";
import { Profile } from "./player/profile";
import { Wallet } from "./player/wallet";
import { useSignal } from "@preact/signals";

export default function PlayerPage({ params }: PageProps) {
  const id = params.id!;
  const account = useLoad((signal) => get<Account>(path`account/${id}`, {}, signal), [id]);
  useEffect(() => {
    if (account.data) heading.value = account.data.account.user.username || "(the server)";
  }, [account.data]);
  return (
    <Loaded of={account}>
      {(data) => (
        <>
          <Summary data={data} reload={account.reload} />
          <Tabs
            of={[
              { name: "profile", title: "Profile", show: () => <Profile data={data} reload={account.reload} /> },
              { name: "notes", title: "Notes", right: "ACCOUNT_NOTES:read", show: () => <Notes user={id} /> },
              { name: "wallet", title: "Wallet", right: "ACCOUNT_WALLET:read", show: () => <Wallet data={data} reload={account.reload} /> },
              { name: "storage", title: "Storage", right: "STORAGE_DATA:read", show: () => <StorageTable user={id} /> },
              { name: "friends", title: "Friends", right: "ACCOUNT_FRIENDS:read", show: () => <Friends user={id} /> },
              { name: "groups", title: "Groups", right: "ACCOUNT_GROUPS:read", show: () => <PlayerGroups user={id} /> },
              { name: "notifications", title: "Notifications", right: "NOTIFICATION:read", show: () => <NotificationTable user={id} /> },
              { name: "purchases", title: "Purchases", right: "IN_APP_PURCHASE:read", show: () => <PurchaseTable user={id} /> },
              { name: "subscriptions", title: "Subscriptions", right: "IN_APP_PURCHASE:read", show: () => <SubscriptionTable user={id} /> },
            ]}
          />
        </>
      )}
    </Loaded>
  );
}

// Summary is what is known at a glance, and what is done with the account as a whole.
function Summary({ data, reload }: { data: Account; reload: () => Promise<void> }) {
  const user = data.account.user;
  const url = (end = "") => path`account/${user.id}` + end;
  const act = (end: string) => async () => {
    await post(url(end));
    await reload();
  };
  return (
    <Card
      actions={
        <>
          {can("API_EXPLORER:write") && (
            <a class="button" href={href("/run", { method: "GetAccount", user: user.id })}>
              Run as
            </a>
          )}
          {can("CONFIGURATION:read") && (
            <a class="button" href={href("/logs", { user_id: user.id })}>
              Log
            </a>
          )}
          {satori.value && <Action label="Message by Satori" right="SATORI_MESSAGE:write" run={() => show<void>((close) => <SatoriMessage user={user.id} close={close} />)} />}
          <Action label="Export" icon="data" right="ACCOUNT_EXPORT:read" run={async () => save(`${user.username}.json`, pretty(await text(url("/export"))))} />
          {data.disable_time ? (
            <Action label="Lift the ban" right="ACCOUNT:write" run={act("/unban")} done={`${user.username} may play again.`} />
          ) : (
            <Action
              label="Ban"
              kind="danger"
              right="ACCOUNT:write"
              run={async () => {
                if (!(await show<boolean>((close) => <BanDialog id={user.id} name={user.username} close={close} />))) return;
                await reload();
                tell(`${user.username} is banned.`);
              }}
            />
          )}
          <Action
            label="Delete"
            icon="trash"
            kind="danger"
            right="ACCOUNT:delete"
            run={async () => {
              if (!(await show<boolean>((close) => <DeleteDialog id={user.id} name={user.username} close={close} />))) return;
              tell(`${user.username} was deleted.`);
              go("/players");
            }}
          />
        </>
      }
    >
      <Facts
        of={[
          ["Id", <Id value={user.id} />],
          ["State", <span class="badges">{data.disable_time ? <Badge kind="bad">banned</Badge> : user.online ? <Badge kind="good">online</Badge> : <Badge>offline</Badge>}</span>],
          ["Created", <When at={user.create_time} />],
          ["Updated", <When at={user.update_time} />],
          ["Friends", String(user.edge_count)],
        ]}
      />
      {data.disable_time && <BanFacts id={user.id} />}
    </Card>
  );
}

interface Ban {
  reason: string;
  create_time: string | null;
  end_time: string | null;
  operator: string;
}

// BanFacts say why a player is banned, and for how long.
function BanFacts({ id }: { id: string }) {
  const ban = useLoad((signal) => get<Ban>(path`account/${id}/ban`, {}, signal), [id]);
  return (
    <Loaded of={ban}>
      {(b) => (
        <Facts
          of={[
            ["Banned", <When at={b.create_time} />],
            ["Until", b.end_time ? <When at={b.end_time} /> : "lifted"],
            ["By", b.operator || "the modules"],
            ["Reason", b.reason],
          ]}
        />
      )}
    </Loaded>
  );
}

// durations are those to choose from, in seconds.
const durations = [
  ["0", "until it is lifted"],
  ["3600", "1 hour"],
  ["86400", "1 day"],
  ["604800", "7 days"],
  ["2592000", "30 days"],
] as const;

function BanDialog({ id, name, close }: { id: string; name: string; close: (done?: boolean) => void }) {
  const reason = useSignal("");
  const duration = useSignal("0");
  return (
    <FormDialog
      title={`Ban ${name}?`}
      action="Ban"
      danger
      onClose={close}
      onSubmit={async () => {
        await post(path`account/${id}/ban`, { reason: reason.value, duration_sec: Number(duration.value) });
        close(true);
      }}
    >
      <p>The player is disconnected and cannot sign in.</p>
      <SelectField label="For how long" value={duration} options={durations} />
      <TextField label="Reason, which the player is told" value={reason} maxLength={500} />
    </FormDialog>
  );
}

function DeleteDialog({ id, name, close }: { id: string; name: string; close: (done?: boolean) => void }) {
  const record = useSignal(true);
  return (
    <FormDialog
      title={`Delete ${name}?`}
      action="Delete"
      danger
      onClose={close}
      onSubmit={async () => {
        await del(path`account/${id}`, { record_deletion: record.value });
        close(true);
      }}
    >
      <p>The account, its scores, storage and groups are deleted for good.</p>
      <Check label="Record that there was a deletion, with the id" value={record} />
    </FormDialog>
  );
}
