import { useSignal } from "@preact/signals";
import { del, get, path, post } from "../../lib/api";
import { pretty } from "../../lib/json";
import { usePages } from "../../lib/load";
import { can } from "../../lib/session";
import type { Account, LedgerItem } from "../../lib/types";
import { Action } from "../../ui/action";
import { JsonEditor, JsonText } from "../../ui/json_editor";
import { Card, Id, When } from "../../ui/show";
import { Table } from "../../ui/table";

// Wallet shows what a player owns and how that came about.
export function Wallet({ data, reload }: { data: Account; reload: () => void }) {
  const user = data.account.user.id;
  const before = pretty(data.account.wallet || "{}");
  const wallet = useSignal(before);
  const editable = can("ACCOUNT:write");
  const ledger = usePages(
    async (cursor, signal) => {
      const list = await get<{ items: LedgerItem[]; next_cursor: string }>(path`account/${user}/wallet`, { limit: 100, cursor }, signal);
      return { rows: list.items, cursor: list.next_cursor };
    },
    [user],
  );
  const save = async () => {
    await post(path`account/${user}`, { wallet: wallet.value });
    reload();
  };
  return (
    <>
      <Card title="Balance">
        <JsonEditor label="Amounts by currency" value={wallet} wanted="object" readOnly={!editable} height="4rem" />
        {editable && (
          <div class="buttons">
            <Action
              label="Save"
              kind="primary"
              disabled={wallet.value === before}
              confirm={{ title: "Replace the balance?", text: "The ledger does not show this change.", action: "Replace", danger: true }}
              run={save}
              done="The wallet is saved."
            />
          </div>
        )}
      </Card>
      <Card title="Ledger">
        <Table
          label="Ledger"
          rows={ledger.rows}
          rowKey={(i) => i.id}
          columns={[
            { title: "Time", width: "11rem", cell: (i) => <When at={i.create_time} /> },
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
