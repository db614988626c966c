import { useSignal } from "@preact/signals";
import { del, get, path, post, RawJson } from "../../lib/api";
import { pretty } from "../../lib/json";
import { usePages } from "../../lib/load";
import { useUnsaved } from "../../lib/router";
import { can } from "../../lib/session";
import type { Account, LedgerItem } from "../../lib/types";
import { Action } from "../../ui/action";
import { FormDialog, show } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { JsonEditor, JsonText } from "../../ui/json_editor";
import { Card, Id, When } from "../../ui/show";
import { Table } from "../../ui/table";

// Wallet shows what a player owns and how that came about.
export function Wallet({ data, reload }: { data: Account; reload: () => Promise<void> }) {
  const user = data.account.user.id;
  const ledger = usePages(
    async (cursor, signal) => {
      const list = await get<{ items: LedgerItem[]; next_cursor: string }>(path`account/${user}/wallet`, { limit: 100, cursor }, signal);
      return { rows: list.items, cursor: list.next_cursor };
    },
    [user],
  );
  const change = async () => {
    if (!(await show<boolean>((close) => <ChangeWallet user={user} close={close} />))) return;
    await reload();
    ledger.reload();
  };
  return (
    <>
      <Card title="Balance" actions={<Action label="Change" icon="plus" right="ACCOUNT_WALLET:write" run={change} />}>
        <Balance key={data.account.wallet} data={data} reload={reload} />
      </Card>
      <Card title="Ledger">
        <Table
          label="Ledger"
          rows={ledger.rows}
          rowKey={(i) => i.id}
          columns={[
            { title: "Time", width: "10.5rem", cell: (i) => <When at={i.create_time} /> },
            { title: "Changes", cell: (i) => <JsonText value={i.changeset} /> },
            { title: "Metadata", cell: (i) => <JsonText value={i.metadata} /> },
            { title: "Id", wide: true, cell: (i) => <Id value={i.id} /> },
            {
              title: "",
              width: "4rem",
              right: true,
              cell: (i) => (
                <Action
                  label="Delete"
                  icon="trash"
                  kind="plain"
                  iconOnly
                  right="ACCOUNT_WALLET:delete"
                  confirm={{ title: "Delete the item of the ledger?", text: "The balance stays as it is.", action: "Delete", danger: true }}
                  run={async () => {
                    await del(path`account/${user}/wallet/${i.id}`);
                    ledger.drop((other) => other.id === i.id);
                  }}
                />
              ),
            },
          ]}
          loading={ledger.loading}
          error={ledger.error}
          retry={ledger.reload}
          more={ledger.more}
          next={ledger.next}
          empty="The ledger is empty."
        />
      </Card>
    </>
  );
}

// Balance edits the amounts as they are.
function Balance({ data, reload }: { data: Account; reload: () => Promise<void> }) {
  const before = pretty(data.account.wallet || "{}");
  const wallet = useSignal(before);
  useUnsaved(wallet.value !== before);
  const editable = can("ACCOUNT:write");
  const replace = async () => {
    await post(path`account/${data.account.user.id}`, { wallet: wallet.value });
    await reload();
  };
  return (
    <>
      <JsonEditor label="Amounts by currency" value={wallet} wanted="object" readOnly={!editable} height="4rem" />
      {editable && (
        <div class="buttons">
          <Action
            label="Replace"
            disabled={wallet.value === before}
            confirm={{ title: "Replace the balance?", text: "The ledger does not show this change.", action: "Replace", danger: true }}
            run={replace}
            done="The wallet is saved."
          />
        </div>
      )}
    </>
  );
}

// ChangeWallet adds to a currency, or takes from it. The ledger shows it.
function ChangeWallet({ user, close }: { user: string; close: (done?: boolean) => void }) {
  const currency = useSignal("");
  const amount = useSignal("");
  const reason = useSignal("");
  const valid = /^[+-]?\d+$/.test(amount.value.trim());
  return (
    <FormDialog
      title="Change the wallet"
      action="Change"
      disabled={!valid || !currency.value}
      onClose={close}
      onSubmit={async () => {
        const metadata = reason.value ? JSON.stringify(JSON.stringify({ reason: reason.value })) : '""';
        await post(
          path`account/${user}/wallet`,
          new RawJson(`{"changeset":{${JSON.stringify(currency.value)}:"${BigInt(amount.value.trim().replace("+", ""))}"},"metadata":${metadata}}`),
        );
        close(true);
      }}
    >
      <TextField label="Currency" value={currency} required autofocus />
      <TextField label="Amount, with a minus to take it away" value={amount} inputmode="numeric" required error={amount.value !== "" && !valid && "It has to be a whole number."} />
      <TextField label="Reason, for the ledger" value={reason} />
    </FormDialog>
  );
}
